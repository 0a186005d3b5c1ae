import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LargeUtf8, Utf8, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { ParquetSource } from '../../pipeline/arrow/parquet-file.js';
import { textReader } from '../../pipeline/arrow/text.js';
import { type CliResult, runCli } from '../fixtures/cli.js';
import { writeTestParquet } from '../fixtures/parquet.js';
import { documents, makePipeline, snapshot } from './pipeline.js';

const run = (dir: string, ...args: string[]): Promise<CliResult> =>
  runCli(['run', join(dir, 'pipeline.yaml'), ...args]);

/** Rows of the output as plain objects. */
async function selected(dir: string): Promise<Record<string, unknown>[]> {
  const source = await ParquetSource.open(join(dir, 'out/selected.parquet'));
  try {
    const rows: Record<string, unknown>[] = [];
    const rowGroups = source.rowGroups.map(({ index }) => index);
    for await (const batch of source.read({ rowGroups, batchRows: 1000 })) {
      const doc = textReader(batch.getChild('doc')!);
      rows.push(...batch.toArray().map((row, i) => ({ ...row.toJSON(), doc: doc(i) })));
    }
    return rows;
  } finally {
    await source.close();
  }
}

/** What the summary says of a stage: rows in, out and left out. */
function figures(stdout: string, stage: string): number[] {
  const line = stdout.split('\n').find((text) => text.trim().startsWith(stage)) ?? '';
  return line.trim().slice(stage.length).trim().split(/\s+/).slice(0, 3).map(Number);
}

t.test('a fault ends the process with code 1 and one line, without a stack', async (t) => {
  const dir = await makePipeline(t, { pool: '{path: pool.parquet, columns: {text: body}}' });
  const before = await snapshot(dir);
  const { code, stdout, stderr } = await run(dir);
  t.equal(code, 1);
  t.equal(stdout, '');
  t.match(stderr, /^\S+pool\.parquet: there is no column "body" .*\n$/);
  t.same(await snapshot(dir), before);
});

t.test('--debug adds the stack', async (t) => {
  const dir = await makePipeline(t, { pool: '{path: none.parquet}' });
  const { code, stderr } = await run(dir, '--debug');
  t.equal(code, 1);
  t.match(stderr, /does not exist \(stage .*\)\n +at .*\.[jt]s/);
});

t.test('an empty pool gives an empty output with all columns', async (t) => {
  const dir = await makePipeline(t);
  await writeTestParquet(join(dir, 'pool.parquet'), {
    docid: vectorFromArray([], new Utf8()),
    doc: vectorFromArray([], new LargeUtf8()),
    token_num: { type: vectorFromArray([1]).type, values: [] },
  });
  const { code, stderr } = await run(dir);
  t.equal(code, 0);
  t.match(stderr, /the pool is empty: nothing was selected/);
  const source = await ParquetSource.open(join(dir, 'out/selected.parquet'));
  t.equal(source.rows, 0);
  t.same(
    source.schema.fields.map(({ name }) => name),
    ['docid', 'doc', 'token_num', 'nag_distance', 'nag_rank'],
  );
  await source.close();
});

t.test('a pool of which where leaves nothing gives the same columns as one with rows', async (t) => {
  const dir = await makePipeline(t, { pool: '{path: pool.parquet, where: {lang: fr}}' });
  const { code, stdout } = await run(dir);
  t.equal(code, 0);
  t.same(figures(stdout, 'read.parquet-2'), [8, 0, 8]);
  t.same(await selected(dir), []);
  const source = await ParquetSource.open(join(dir, 'out/selected.parquet'));
  t.same(
    source.schema.fields.map(({ name }) => name),
    ['docid', 'doc', 'token_num', 'lang', 'nag_distance', 'nag_rank'],
  );
  await source.close();
});

t.test('a text of 10 MB, odd texts and equal docids are no faults', async (t) => {
  const dir = await makePipeline(t, { rank: '{fraction: 1}' });
  const texts = [
    'word and '.repeat(1_200_000),
    'é'.repeat(50_000),
    '\u0000',
    ' ',
    '👩‍👩‍👧',
    'plain',
    '\ufeffx',
    '\ufffd',
  ];
  await writeTestParquet(join(dir, 'pool.parquet'), {
    ...documents('p', 8),
    doc: texts,
    docid: Array(8).fill('same'),
  });
  const { code, stderr } = await run(dir);
  t.equal(code, 0, stderr);
  const rows = await selected(dir);
  t.same(rows.map(({ doc }) => doc).sort(), [...texts].sort());
  t.same(
    rows.map(({ nag_rank }) => nag_rank),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
});

t.test('texts that are left out are counted, and a replaced older output is whole', async (t) => {
  const dir = await makePipeline(t, { tokenize: '{model: model, on_empty: skip}', rank: '{fraction: 1}' });
  await writeTestParquet(join(dir, 'pool.parquet'), {
    ...documents('p', 8),
    doc: ['', null, 'a', 'b', 'c', '', 'd', 'e'],
  });
  const { code, stdout } = await run(dir);
  t.equal(code, 0);
  t.same(figures(stdout, 'tokenize-2'), [8, 5, 3]);
  t.match(stdout, /3 no token/);
  const rows = await selected(dir);
  t.same(rows.map(({ docid }) => docid).sort(), ['p2', 'p3', 'p4', 'p6', 'p7']);
  t.not(await readFile(join(dir, 'out/selected.parquet'), 'utf8'), 'an older output');
});
