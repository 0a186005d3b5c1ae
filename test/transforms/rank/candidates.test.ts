import { readdir } from 'node:fs/promises';
import { Float64, Int32, Int64, Utf8 } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../../pipeline/batch.js';
import { rank } from '../../../transforms/rank.js';
import {
  type Column,
  cells,
  collectSink,
  memorySource,
  recordBatch,
  runStages,
  sinkLog,
} from '../../fixtures/engine.js';
import { scored } from './pool.js';

/** Ranks rows of one token each by `d` and the column `q`. */
async function ranked(q: Column, d: readonly number[], settings: Record<string, unknown>, tempDir: string) {
  const columns = recordBatch({
    docid: [new Utf8(), d.map((_, i) => `d${i}`)],
    token_num: [new Int32(), d.map(() => 1)],
    d: [new Float64(), d],
    order: [new Int32(), d.map((_, i) => i)],
    keep: [new Int32(), d.map(() => 1)],
    q,
  });
  const log = sinkLog();
  const quality = { column: 'q', ...settings };
  const result = await runStages(
    [
      ['pool', memorySource([[columns.slice(0, 2), columns.slice(2)]])],
      ['score', scored],
      ['rank', rank, { tokens: 10, quality }],
      ['out', collectSink(log)],
    ],
    { tempDir },
  );
  return { batches: log.batches, stats: result.stats.get('rank')! };
}

function byRank(batches: readonly Batch[], column: string): unknown[] {
  const ranks = cells(batches, 'nag_rank') as number[];
  const values = cells(batches, column);
  return ranks.map((_, place) => values[ranks.indexOf(place)]);
}

t.test('distance and quality are scaled over the rows that have both, and added', async (t) => {
  const dir = t.testdir();
  const q: Column = [new Float64(), [10, null, 30, Number.NaN, 20]];
  const d = [0.5, 0, 0.75, 1, 1];
  const { batches, stats } = await ranked(q, d, {}, dir);
  t.strictSame(byRank(batches, 'order'), [0, 2, 4]);
  t.strictSame(byRank(batches, 'combined_score'), [0, 1.5, 1.5], 'ties by docid');
  t.strictSame(byRank(batches, 'nag_distance'), [0.5, 0.75, 1]);
  t.strictSame(stats.leftOut, new Map([['without q', 2]]));
  t.equal(stats.rowsIn, stats.rowsOut + 2);
  const inverted = await ranked(q, d, { invert: true }, dir);
  t.strictSame(byRank(inverted.batches, 'order'), [2, 0, 4]);
  t.strictSame(byRank(inverted.batches, 'combined_score'), [0.5, 1, 1.5]);
  t.strictSame(await readdir(dir), [], 'nothing is left on disk');
});

t.test('whole numbers and equal values', async (t) => {
  const d = [0.5, 0.25, 0.75];
  const big: Column = [new Int64(), [2n ** 40n, 0n, 2n ** 39n]];
  t.strictSame(byRank((await ranked(big, d, {}, t.testdir())).batches, 'combined_score'), [0, 1.5, 1.5]);
  const { batches } = await ranked([new Int32(), [7, 7, 7]], d, { invert: true }, t.testdir());
  t.strictSame(byRank(batches, 'combined_score'), [1, 1.5, 2]);
});

t.test('no row has a quality: the run stops, rather than select nothing', async (t) => {
  const none: Column = [new Float64(), [null, null, null]];
  await t.rejects(ranked(none, [1, 0, 1], {}, t.testdir()), {
    message: /none of the 3 documents has a quality: the column "q" is null in every row/,
  });
});

t.test('what is no quality is refused', async (t) => {
  const dir = t.testdir();
  const d = [1, 0, 1];
  const cases: [Column, RegExp][] = [
    [[new Utf8(), ['1', '2', '3']], /quality: expected a column "q" of numbers, it holds Utf8/],
    [[new Float64(), [1, 2, Infinity]], /row 2.*q.*expected a finite number, found infinity/],
    [[new Float64(), [-1.7e308, 1.7e308, 0]], /too far apart to be scaled/],
  ];
  for (const [q, message] of cases) await t.rejects(ranked(q, d, {}, dir), { message }, String(message));
  const other = ranked([new Float64(), d], d, { column: 'other' }, dir);
  await t.rejects(other, {
    message: /quality: expected a column "other" of numbers, found none of this name/,
  });
  t.strictSame(await readdir(dir), [], 'nothing is left on disk');
});
