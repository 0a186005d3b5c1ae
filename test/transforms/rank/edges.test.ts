import { Float64, Int32, makeData, Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { withColumn } from '../../../pipeline/batch.js';
import { filter } from '../../../transforms/filter.js';
import { rank } from '../../../transforms/rank.js';
import {
  cells,
  collectSink,
  mapStage,
  memorySource,
  recordBatch,
  runStages,
  type StageRow,
  sinkLog,
} from '../../fixtures/engine.js';
import { scoredBatch } from './pool.js';

/** Documents of 10 tokens each at these distances. */
function documents(distances: readonly number[]) {
  return memorySource([
    [
      recordBatch({
        docid: [new Utf8(), distances.map((_, row) => `d${row}`)],
        token_num: [new Int32(), distances.map(() => 10)],
        d: [new Float64(), distances],
      }),
    ],
  ]);
}

const score = mapStage(scoredBatch, { needs: () => ({ columns: ['d'] }), mayDrop: () => false });

async function chosen(
  t: Test,
  distances: readonly number[],
  options: Record<string, unknown>,
  between: readonly StageRow[] = [],
): Promise<{ docids: unknown[]; notes: string[] }> {
  const log = sinkLog();
  const notes: string[] = [];
  await runStages(
    [
      ['pool', documents(distances)],
      ['score', score],
      ...between,
      ['rank', rank, options],
      ['out', collectSink(log)],
    ],
    { tempDir: t.testdir(), note: (text) => notes.push(text) },
  );
  const ranks = cells(log.batches, 'nag_rank') as number[];
  const docids: unknown[] = [];
  for (const [row, docid] of cells(log.batches, 'docid').entries()) docids[ranks[row]!] = docid;
  return { docids, notes };
}

t.test('budgets at the ends of what a pool has', async (t) => {
  const pool = [0.3, 0.1, 0.2];
  const all = { docids: ['d1', 'd2', 'd0'], notes: [] };
  t.strictSame(await chosen(t, pool, { fraction: 1 }), all, 'all of it');
  t.strictSame(await chosen(t, pool, { tokens: 30 }), all, 'exactly all');
  t.strictSame(await chosen(t, pool, { tokens: 1_000_000 }), all, 'more than it has');
  t.strictSame(await chosen(t, pool, { fraction: 1e-9 }), {
    docids: ['d1'],
    notes: ['rank: no document fits the budget of 0 tokens: the nearest one was taken'],
  });
  t.strictSame(await chosen(t, [0.5], { fraction: 1 }), { docids: ['d0'], notes: [] }, 'one document');
  t.strictSame(await chosen(t, [0.5], { tokens: 10, deduplicate: true }), { docids: ['d0'], notes: [] });
  t.match(await chosen(t, [], { fraction: 1 }), { notes: ['rank: the pool is empty: nothing was selected'] });
});

t.test('behind a filter on distances', async (t) => {
  const pool = [0.3, 0.1, 0.2, 0.9];
  const near: StageRow[] = [['near', filter, { where: { nag_distance: { max: 0.5 } } }]];
  t.strictSame((await chosen(t, pool, { fraction: 0.7 }, near)).docids, ['d1', 'd2']);
  const none: StageRow[] = [['none', filter, { where: { nag_distance: { max: 0 } } }]];
  t.strictSame(await chosen(t, pool, { fraction: 0.7 }, none), {
    docids: [],
    notes: ['rank: the pool is empty: nothing was selected'],
  });
});

t.test('ties are told of each target that has them', async (t) => {
  const several = mapStage(
    (batch) => {
      const d = batch.columns.getChild('d')!.data[0]!;
      const named = (name: string) => ({ metadata: new Map([['nag.target', name]]) });
      const same = new Float64Array(batch.rows.length).fill(0.5);
      const data = makeData({ type: new Float64(), data: same, nullCount: 0 });
      return withColumn(
        withColumn(batch, 'nag_distance_a', d, named('a')),
        'nag_distance_b',
        data,
        named('b'),
      );
    },
    { needs: () => ({ columns: ['d'] }), mayDrop: () => false },
  );
  const log = sinkLog();
  const notes: string[] = [];
  await runStages(
    [
      ['pool', documents([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])],
      ['score', several],
      ['rank', rank, { fraction: 1 }],
      ['out', collectSink(log)],
    ],
    { tempDir: t.testdir(), note: (text) => notes.push(text) },
  );
  t.strictSame(notes, [
    'rank: 3 of the 3 selected documents of b (100 %) are as near as others that are left out: the docid decides between them (equal texts, or a small K on top_k)',
  ]);
});
