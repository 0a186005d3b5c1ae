import { readdir } from 'node:fs/promises';
import { Utf8, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { type Batch, inputOrder, keepRows, withColumn } from '../../../pipeline/batch.js';
import { rank } from '../../../transforms/rank.js';
import { allSame } from '../../fixtures/all-same.js';
import { combineContext, combineSplit, startCombine } from '../../fixtures/combine.js';
import { batchOf, cells } from '../../fixtures/engine.js';
import { randomIntegers } from '../nag/random.js';
import { batchesOf, type PoolOptions, pool, scoredBatch, select } from './pool.js';

const options: PoolOptions = { rows: 300, kind: 'text', tokens: 'float', seed: 17 };
const rows = pool(options);

/** The pool's batches as they come from their source, and as they reach rank. */
const read = batchesOf(rows, options, [1, 20, 6]).flatMap((batches, ordinal) => {
  let first = 0;
  return batches.map((columns) => {
    const batch = batchOf(columns, ordinal, first);
    first += columns.numRows;
    return batch;
  });
});
const arriving = read.map((batch) => {
  const texts = (cells([batch], 'order') as number[]).map((n) => (n % 3 === 0 ? null : `made ${n}`));
  return withColumn(scoredBatch(batch), 'made', vectorFromArray(texts, new Utf8()).data[0]!);
});

async function* reread(orders: Float64Array): AsyncGenerator<Batch> {
  const wanted = new Set(orders);
  for (const batch of read) {
    const positions = Uint32Array.from(batch.rows.keys()).filter((row) => wanted.has(inputOrder(batch, row)));
    if (positions.length > 0) yield keepRows(batch, positions);
  }
}

async function rankSplit(
  settings: Record<string, unknown>,
  parts: number,
  random: (n: number) => number,
  dir: string,
) {
  const context = combineContext(dir, reread);
  const accumulator = await startCombine<AsyncIterable<Batch>>(rank, settings, context);
  const batches: Batch[] = [];
  for await (const batch of await combineSplit(accumulator, arriving, parts, random)) batches.push(batch);
  await accumulator.close?.();
  const columns = ['order', 'made', 'nag_distance', 'nag_rank'].map((name) => cells(batches, name));
  return { columns, figures: Object.fromEntries(context.figures), notes: context.notes };
}

t.test('merging the partials of any split equals one pass, in memory and on disk', async (t) => {
  const random = randomIntegers(7);
  const dir = t.testdir();
  await allSame(t, 'rankings', async (same) => {
    for (const budget of [
      { fraction: 0.3 },
      { fraction: 1 },
      { tokens: 700 },
      { tokens: 1 },
      { tokens: 1e9 },
    ]) {
      for (const memory of [{}, { memory_mb: 0.004 }]) {
        const settings = { ...budget, ...memory };
        const whole = await rankSplit(settings, 1, random, dir);
        const expected = select(rows, budget).map((row) => row.order);
        const byRank = (whole.columns[3] as number[]).map(
          (_, place) => whole.columns[0]![whole.columns[3]!.indexOf(place)],
        );
        const name = JSON.stringify(settings);
        same(byRank, expected, name);
        for (let trial = 0; trial < 5; trial++) {
          const split = await rankSplit(settings, 2 + random(4), random, dir);
          same(split.columns, whole.columns, `${name}, split ${trial}`);
          const [figures, all] = [split, whole].map((one) => new Map(Object.entries(one.figures).sort()));
          same(figures, all, `${name}, split ${trial}: figures`);
        }
      }
    }
  });
  t.strictSame(await readdir(dir), [], 'nothing is left on disk');
});

t.test('a spilled ranking says so', async (t) => {
  const dir = t.testdir();
  const once = () => 0;
  t.match((await rankSplit({ tokens: 700, memory_mb: 0.004 }, 1, once, dir)).notes, [
    'the ranking was sorted on disk',
  ]);
  const { notes } = await rankSplit({ tokens: 700 }, 1, once, dir);
  t.notMatch(notes.join(), 'disk');
});
