import { tmpdir } from 'node:os';
import { Float64, Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { withColumn } from '../../pipeline/batch.js';
import { filter } from '../../transforms/filter.js';
import {
  cells,
  collectSink,
  mapStage,
  memorySource,
  recordBatch,
  runStages,
  sinkLog,
  sourceLog,
} from '../fixtures/engine.js';

const rows = (n: readonly number[]) =>
  recordBatch({ n: [new Int32(), n], kind: [new Utf8(), n.map((i) => (i % 3 === 0 ? null : `k${i % 3}`))] });

/** A stage that computes a column no source has. */
const halved = mapStage((batch) =>
  withColumn(
    batch,
    'half',
    recordBatch({ half: [new Float64(), (cells([batch], 'n') as number[]).map((n) => n / 2)] }).data
      .children[0]!,
  ),
);

async function filtered(where: Record<string, unknown>, batches: readonly (readonly number[])[]) {
  const log = sinkLog();
  const read = sourceLog();
  const { stats } = await runStages(
    [
      ['pool', memorySource([batches.map(rows)], { log: read })],
      ['half', { ...halved, needs: () => ({ columns: ['n'] }) }],
      ['filter', filter, { where }],
      ['out', collectSink(log, undefined, { columns: ['n'] })],
    ],
    { tempDir: tmpdir() },
  );
  return { found: cells(log.batches, 'n'), stats: stats.get('filter')!, read };
}

t.test(
  'computed columns and those of the pool, whatever the batches; every row is accounted for',
  async (t) => {
    const where = { half: { min: 1, max: 4 }, kind: { not: 'k1' } };
    for (const batches of [[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]], [[0, 1], [2, 3, 4], [5], [6, 7, 8, 9]]]) {
      const { found, stats } = await filtered(where, batches);
      t.strictSame(found, [2, 3, 5, 6, 8]);
      t.strictSame([stats.rowsIn, stats.rowsOut, ...stats.leftOut], [10, 5, ['where', 5]]);
    }
  },
);

t.test('all rows, none, and no input', async (t) => {
  t.strictSame((await filtered({ n: { min: 0 } }, [[1, 2]])).found, [1, 2]);
  t.strictSame((await filtered({ n: 9 }, [[1, 2]])).found, []);
  t.strictSame((await filtered({ n: 9 }, [[]])).found, []);
});

t.test('reads no more than it compares', async (t) => {
  const { read } = await filtered({ half: { max: 2 } }, [[1, 2]]);
  t.strictSame(read.columns, [['n']]);
});

t.test('a column that is not there, a bound of another type, and nothing asked', async (t) => {
  await t.rejects(filtered({ none: 1 }, [[1]]), {
    message: /there is no column "none" \(columns: n, half\)/,
  });
  await t.rejects(filtered({ n: { min: 'a' } }, [[1]]), {
    message: /column "n": where: the column is Int32 and cannot be compared with the bound "a" \(string\)/,
  });
  t.notOk(filter.options.safeParse({ where: {} }).success);
  t.notOk(filter.options.safeParse({}).success);
});
