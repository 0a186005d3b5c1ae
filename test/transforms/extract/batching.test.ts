import { Int32, makeData, RecordBatch } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../../pipeline/batch.js';
import { inBatchesOf } from '../../../transforms/extract/batching.js';
import { byLength } from '../../../transforms/extract/grouping.js';
import { allSame } from '../../fixtures/all-same.js';
import { values } from '../context.js';

const documents = (...lengths: number[]) => lengths.map((length) => new Int32Array(length));

t.test('documents of similar length share a batch, the longest first', async (t) => {
  t.same(
    [...byLength(documents(3, 10, 4, 9, 3), { tokens: 20 })],
    [
      [1, 3],
      [2, 0, 4],
    ],
  );
  t.same(
    [...byLength(documents(5, 5, 5, 5), { tokens: 10 })],
    [
      [0, 1],
      [2, 3],
    ],
    'equal ones in their order',
  );
});

t.test('no batch passes the budget, padding included, but for a single document', async (t) => {
  t.same([...byLength(documents(30, 2, 2), { tokens: 10 })], [[0], [1, 2]]);
  t.same([...byLength(documents(6, 5), { tokens: 10 })], [[0], [1]], 'twelve with padding');
  t.same([...byLength(documents(2, 2), { tokens: 1 })], [[0], [1]]);
  t.same([...byLength([], { tokens: 10 })], []);
});

allSame(t, 'every document once, for any lengths', (same) => {
  for (let seed = 1; seed <= 50; seed++) {
    const lengths = Array.from({ length: seed }, (_, i) => 1 + ((i * 37 + seed * 11) % 23));
    const groups = [...byLength(documents(...lengths), { tokens: 40 })];
    const found = groups.flat().sort((a, b) => a - b);
    same(found, [...lengths.keys()], `seed ${seed}: every document`);
    const large = groups.filter(
      (group) => group.length > 1 && group.length * Math.max(...group.map((i) => lengths[i]!)) > 40,
    );
    same(large, [], `seed ${seed}: groups beyond the budget`);
  }
});

allSame(t, 'no other groups cost fewer tokens, 32 a call included', (same) => {
  const cost = (lengths: readonly number[], ends: readonly number[]) =>
    ends.reduce((sum, end, i) => sum + 32 + (end - (ends[i - 1] ?? 0)) * lengths[ends[i - 1] ?? 0]!, 0);
  for (let seed = 1; seed <= 20; seed++) {
    const lengths = Array.from({ length: 9 }, (_, i) => 1 + ((i * 53 + seed * 29) % 90)).sort(
      (a, b) => b - a,
    );
    const groups = [...byLength(documents(...lengths), { tokens: 200 })];
    let end = 0;
    const found = cost(
      lengths,
      groups.map(({ length }) => (end += length)),
    );
    let least = Infinity;
    // Each bit of a number is a cut behind that document.
    for (let cuts = 0; cuts < 2 ** 8; cuts++) {
      const ends = [...lengths.keys()].map((i) => i + 1).filter((at) => at === 9 || (cuts >> (at - 1)) & 1);
      const fits = ends.every((at, i) => {
        const start = ends[i - 1] ?? 0;
        return at - start === 1 || (at - start) * lengths[start]! <= 200;
      });
      if (fits) least = Math.min(least, cost(lengths, ends));
    }
    same(found, least, `seed ${seed}`);
  }
});

t.test('a budget that shrinks counts from the next group on', async (t) => {
  const budget = { tokens: 40 };
  const groups = byLength(documents(10, 10, 10, 10, 10, 10, 10), budget);
  t.same(groups.next().value, [0, 1, 2, 3]);
  budget.tokens = 20;
  t.same([...groups], [[4, 5], [6]]);
});

t.test('batches of at most so many rows', async (t) => {
  const batchOf = (rows: number[]): Batch => ({
    columns: new RecordBatch({
      n: makeData({ type: new Int32(), data: Int32Array.from(rows), nullCount: 0 }),
    }),
    bundle: { ordinal: 0, file: 'a', firstRow: 0, rows: undefined, bytes: 0 },
    rows: Uint32Array.from(rows),
    computed: new Set(),
    removed: new Set(),
    roles: {},
  });
  const input = [batchOf([0, 1, 2, 3, 4]), batchOf([]), batchOf([7, 9])];
  async function* batches() {
    yield* input;
  }
  for (const most of [1, 2, 5, Infinity]) {
    const out: Batch[] = [];
    for await (const batch of inBatchesOf(() => most, batches())) out.push(batch);
    t.same(values(out, 'n'), [0, 1, 2, 3, 4, 7, 9]);
    t.same(
      out.flatMap((batch) => [...batch.rows]),
      [0, 1, 2, 3, 4, 7, 9],
    );
    t.ok(out.every((batch) => batch.rows.length <= most && batch.columns.numRows === batch.rows.length));
    if (most >= 5) t.same(out, input, 'small enough: the same batches');
  }
});
