import { Field, Float64, Int32, Int64, Struct, Utf8 } from 'apache-arrow';
import t from 'tap';
import { withColumn } from '../../pipeline/batch.js';
import { rank } from '../../transforms/rank.js';
import {
  cells,
  collectSink,
  mapStage,
  memorySource,
  recordBatch,
  runStages,
  sinkLog,
} from '../fixtures/engine.js';

const meta = (...names: string[]) => new Struct(names.map((name) => new Field(name, new Utf8(), true)));
const one = recordBatch({
  docid: [new Utf8(), ['a', 'b']],
  n: [new Int32(), [1, 2]],
  meta: [meta('url'), [{ url: 'u' }, null]],
  token_num: [new Int64(), [1n, 2n]],
});
const other = recordBatch({
  token_num: [new Int32(), [3]],
  meta: [meta('day'), [{ day: 'd' }]],
  n: [new Float64(), [0.5]],
  docid: [new Utf8(), ['c']],
  lang: [new Utf8(), ['en']],
});
const scored = mapStage(
  (batch) =>
    withColumn(batch, 'nag_distance', recordBatch({ x: [new Float64(), [...batch.rows]] }).data.children[0]!),
  { needs: () => ({}), mayDrop: () => false },
);

t.test('rows of sources whose columns differ go together, in any order of the sources', async (t) => {
  const log = sinkLog();
  await runStages(
    [
      ['a', memorySource([[one]])],
      ['b', memorySource([[other]])],
      ['out', collectSink(log), {}, ['a', 'b']],
    ],
    { tempDir: t.testdir() },
  );
  t.strictSame(
    log.batches.map(({ columns }) => columns.schema.fields.map(String)),
    Array(2).fill([
      'docid: Utf8',
      'n: Float64',
      'meta: Struct<{url:Utf8, day:Utf8}>',
      'token_num: Int64',
      'lang: Utf8',
    ]),
  );
  t.strictSame(cells(log.batches, 'n'), [1, 2, 0.5]);
  t.strictSame(cells(log.batches, 'lang'), [null, null, 'en']);
  t.strictSame(JSON.parse(JSON.stringify(cells(log.batches, 'meta'))), [
    { url: 'u', day: null },
    null,
    { url: null, day: 'd' },
  ]);
});

t.test('ranked rows that are read again too; what the stages made is left as it is', async (t) => {
  const log = sinkLog();
  await runStages(
    [
      ['a', memorySource([[one]])],
      ['b', memorySource([[other]])],
      ['score', scored, {}, ['a', 'b']],
      ['rank', rank, { fraction: 1 }],
      ['out', collectSink(log)],
    ],
    { tempDir: t.testdir() },
  );
  t.strictSame(
    [...new Set(log.batches.map(({ columns }) => columns.schema.fields.map(String).join(', ')))],
    [
      'docid: Utf8, n: Float64, meta: Struct<{url:Utf8, day:Utf8}>, token_num: Int64, lang: Utf8, nag_distance: Float64, nag_rank: Int32',
    ],
  );
  t.strictSame(cells(log.batches, 'docid'), ['a', 'b', 'c']);
});

t.test('columns that nobody asks for may be anything, and are not added', async (t) => {
  const log = sinkLog();
  const bad = recordBatch({ docid: [new Utf8(), ['c']], n: [new Utf8(), ['x']] });
  await runStages(
    [
      ['a', memorySource([[one]])],
      ['b', memorySource([[bad]])],
      ['out', collectSink(log, () => undefined, { columns: ['docid'] }), {}, ['a', 'b']],
    ],
    { tempDir: t.testdir() },
  );
  t.strictSame(cells(log.batches, 'docid'), ['a', 'b', 'c']);
  t.strictSame(
    log.batches.map(({ columns }) => columns.schema.fields.map(({ name }) => name)),
    [['docid'], ['docid']],
  );
});
