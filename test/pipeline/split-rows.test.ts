import { Int32 } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { splitRows } from '../../pipeline/split-rows.js';
import { batchOf, cells, recordBatch } from '../fixtures/engine.js';

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
}

t.test('rows before one, and those from it on, in one reading', async (t) => {
  for (const row of [0, 1, 3, 4, 6, 7, 99]) {
    let ended = 0;
    async function* batches() {
      try {
        for (const [first, n] of [
          [0, [0, 1, 2]],
          [3, [3, 4, 5]],
          [6, [6]],
        ] as const)
          yield batchOf(recordBatch({ n: [new Int32(), [...n]] }), 0, first);
      } finally {
        ended++;
      }
    }
    const { before, after, close } = splitRows(batches(), row);
    const first = row > 0 ? await all(before) : [];
    const rest = await all(after);
    await close();
    const numbers = [0, 1, 2, 3, 4, 5, 6];
    t.strictSame(
      cells(first, 'n'),
      numbers.filter((n) => n < row),
    );
    t.strictSame(
      cells(rest, 'n'),
      numbers.filter((n) => n >= row),
    );
    t.ok(rest.length > 0, 'a batch for its columns');
    t.equal(ended, 1);
  }
});
