import t from 'tap';
import { addValue, createValues, takeValues } from '../../../transforms/nag/values.js';

t.test('all values come back in order, and are gone', async (t) => {
  for (const count of [0, 1, 64, 65, 1000, 200_000]) {
    const values = createValues();
    for (let i = 0; i < count; i++) addValue(values, i / 7);
    const room = values.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    t.ok(room <= Math.max(64, 2 * count) && room - count <= 65536, `room for ${count}`);
    t.strictSame(
      takeValues(values),
      Float64Array.from({ length: count }, (_, i) => i / 7),
    );
    addValue(values, 5);
    t.strictSame([...takeValues(values)], [5]);
  }
});
