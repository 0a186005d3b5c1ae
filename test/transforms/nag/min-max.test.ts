import t from 'tap';
import { addValues, createMinMax, mergeMinMax, scaled } from '../../../transforms/nag/min-max.js';
import { allSame } from '../../fixtures/all-same.js';
import { randomIntegers } from './random.js';

allSame(t, 'merging the parts of any split equals one pass', (same) => {
  const random = randomIntegers(5);
  for (let trial = 0; trial < 50; trial++) {
    const values = Float64Array.from({ length: random(20) }, () => random(1000) / 7 - 70);
    const whole = createMinMax();
    addValues(whole, values);
    const cut = random(values.length + 1);
    const [a, b] = [values.subarray(0, cut), values.subarray(cut)].map((part) => {
      const range = createMinMax();
      addValues(range, part);
      return range;
    });
    mergeMinMax(b!, a!);
    same(b, whole, `trial ${trial}`);
    same([whole.min, whole.max], [Math.min(...values), Math.max(...values)], `trial ${trial}: min and max`);
  }
});

t.test('scales to 0 … 1, and equal values to 0', async (t) => {
  t.strictSame(
    [-2, 0, 6].map((value) => scaled({ min: -2, max: 6 }, value)),
    [0, 0.25, 1],
  );
  t.equal(scaled({ min: 3, max: 3 }, 3), 0);
});
