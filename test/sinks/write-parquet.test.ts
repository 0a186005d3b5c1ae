import { existsSync } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Float64, Int32, Int64, makeData, type RecordBatch, TimestampMicrosecond, Utf8 } from 'apache-arrow';
import t from 'tap';
import { ParquetSource } from '../../pipeline/arrow/parquet-file.js';
import { withColumn } from '../../pipeline/batch.js';
import type { Sink } from '../../pipeline/component.js';
import { writeParquetSink } from '../../sinks/write-parquet.js';
import { rank } from '../../transforms/rank.js';
import { cells, mapStage, memorySource, recordBatch, runStages, type StageRow } from '../fixtures/engine.js';
import { randomIntegers } from '../transforms/nag/random.js';

const random = randomIntegers(21);
const rows = 6000;
const distances = Array.from({ length: rows }, () => random(1000) / 1000);
const pool = memorySource(
  Array.from({ length: 6 }, (_, bundle) =>
    Array.from({ length: 10 }, (_, batch) => {
      const numbers = Array.from({ length: 100 }, (_, i) => bundle * 1000 + batch * 100 + i);
      return recordBatch({
        docid: [new Int64(), numbers.map((n) => BigInt(n) - 3000n)],
        token_num: [new Int32(), numbers.map(() => 1)],
        d: [new Float64(), numbers.map((n) => distances[n])],
        doc: [new Utf8(), numbers.map((n) => `${n} ${'text '.repeat(40)}`)],
        at: [new TimestampMicrosecond('UTC'), numbers.map((n) => (n % 5 === 0 ? null : n))],
      });
    }),
  ),
);

const scored = mapStage(
  (batch) => {
    const data = Float64Array.from(cells([batch], 'd') as number[]);
    return withColumn(batch, 'nag_distance', makeData({ type: new Float64(), data, nullCount: 0 }));
  },
  { needs: () => ({ columns: ['d'] }), mayDrop: () => false },
);

const best = [...Array(rows).keys()]
  .sort((a, b) => distances[a]! - distances[b]! || a - b)
  .slice(0, rows / 2);
const selection: StageRow[] = [
  ['pool', pool],
  ['score', scored],
  ['rank', rank, { fraction: 0.5 }],
];

async function readBack(
  path: string,
): Promise<{ batches: RecordBatch[]; metadata: ReadonlyMap<string, string> }> {
  const source = await ParquetSource.open(path);
  const batches: RecordBatch[] = [];
  for await (const batch of source.read({
    rowGroups: source.rowGroups.map((group) => group.index),
    batchRows: 1000,
  }))
    batches.push(batch);
  await source.close();
  return { batches, metadata: source.metadata };
}

t.test(
  'one file, by rank or as in the input, with the types, the order and the facts of the run',
  async (t) => {
    const dir = t.testdir();
    for (const order of ['rank', 'input'] as const) {
      const path = join(dir, `${order}.parquet`);
      const provenance = new Map([
        ['nag.version', '1.2.3'],
        ['nag.config', 'abc'],
        ['nag.model', 'def'],
        ['nag.tokenizer', 'ghi'],
      ]);
      const result = await runStages(
        [...selection, ['out', writeParquetSink, { path, order, row_group_rows: 700 }]],
        { tempDir: dir, provenance },
      );
      t.strictSame(result.files, [path]);
      const { batches, metadata } = await readBack(path);
      const expected = order === 'rank' ? best : [...best].sort((a, b) => a - b);
      t.strictSame(
        cells(batches, 'docid'),
        expected.map((n) => BigInt(n) - 3000n),
      );
      t.strictSame(
        cells(batches, 'nag_distance'),
        expected.map((n) => distances[n]),
      );
      t.strictSame(
        cells(batches, 'nag_rank'),
        expected.map((n) => best.indexOf(n)),
      );
      t.strictSame(
        batches[0]!.schema.fields.map((field) => `${field.name} ${String(field.type)}`),
        [
          'docid Int64',
          'token_num Int32',
          'd Float64',
          'doc Utf8',
          'at Timestamp<MICROSECOND, UTC>',
          'nag_distance Float64',
          'nag_rank Int32',
        ],
      );
      for (const [key, value] of provenance) t.equal(metadata.get(key), value, key);
    }
    t.strictSame((await readdir(dir)).sort(), ['input.parquet', 'rank.parquet']);
  },
);

t.test('past part_mb a folder of parts, none of them larger, which together are the output', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'out');
  const { files } = await runStages(
    [
      ...selection,
      ['out', writeParquetSink, { path, part_mb: 0.1, compression: 'none', row_group_rows: 100 }],
    ],
    { tempDir: dir },
  );
  t.ok(files.length > 2, `${files.length} parts`);
  for (const file of files) t.ok((await stat(file)).size <= 100_000, file);
  const read = await Promise.all(files.map(readBack));
  t.strictSame(
    read.flatMap(({ batches }) => cells(batches, 'docid')),
    best.map((n) => BigInt(n) - 3000n),
  );
  t.strictSame((await readdir(path)).length, files.length);
});

t.test('an earlier output stays where the run fails, and is replaced where it succeeds', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'out.parquet');
  await writeFile(path, 'earlier');
  const failing: Sink = {
    ...writeParquetSink,
    run: async (input) => {
      for await (const _ of input);
      throw new Error('the other sink failed');
    },
  };
  const failed = runStages(
    [
      ...selection,
      ['out', writeParquetSink, { path }],
      ['other', failing, { path: join(dir, 'other') }, ['rank']],
    ],
    { tempDir: dir },
  );
  await t.rejects(failed, { message: 'the other sink failed' });
  t.strictSame(await readdir(dir), ['out.parquet']);
  await runStages([...selection, ['out', writeParquetSink, { path }]], { tempDir: dir });
  t.equal(
    (await readBack(path)).batches.reduce((sum, batch) => sum + batch.numRows, 0),
    rows / 2,
  );
});

t.test('an empty input makes a file of no rows with all columns', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'out.parquet');
  const empty = memorySource([
    [recordBatch({ docid: [new Utf8(), []], token_num: [new Int32(), []], d: [new Float64(), []] })],
  ]);
  await runStages(
    [
      ['pool', empty],
      ['score', scored],
      ['rank', rank, { tokens: 5 }],
      ['out', writeParquetSink, { path }],
    ],
    { tempDir: dir },
  );
  const source = await ParquetSource.open(path);
  t.equal(source.rows, 0);
  t.strictSame(
    source.schema.fields.map((field) => field.name),
    ['docid', 'token_num', 'd', 'nag_distance', 'nag_rank'],
  );
  await source.close();
});

t.test('what cannot be stored is refused before anything is written', async (t) => {
  const dir = t.testdir();
  const running = runStages(
    [...selection, ['out', writeParquetSink, { path: join(dir, 'pool.txt', 'out.parquet') }]],
    { tempDir: dir },
  );
  await writeFile(join(dir, 'pool.txt'), '');
  await t.rejects(running, { message: /out\.parquet: cannot be written/ });
  t.notOk(existsSync(join(dir, 'out.parquet')));
});
