import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Dictionary, Int8, Int32, Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { main } from '../../pipeline/cli/main.js';
import { type Changes, documents, failure, makePipeline } from '../faults/pipeline.js';
import { readColumns, type TestColumn, writeTestParquet } from '../fixtures/parquet.js';

/** The pipeline of the faults over two shards, the second one changed. */
async function shards(
  t: Test,
  change: (columns: Record<string, unknown[]>) => Record<string, TestColumn>,
  changes: Changes = {},
): Promise<string> {
  const dir = await makePipeline(t, { pool: '{path: "pool*.parquet"}', rank: '{fraction: 1}', ...changes });
  await writeTestParquet(join(dir, 'pool2.parquet'), change(documents('q', 4)));
  return dir;
}

async function selected(dir: string): Promise<Record<string, unknown[]>> {
  await main(['run', join(dir, 'pipeline.yaml')], 'test');
  return await readColumns(join(dir, 'out', 'selected.parquet'));
}

t.test('selected rows of shards that differ, read again with all their columns', async (t) => {
  const plain = await selected(await shards(t, (columns) => columns as Record<string, TestColumn>));
  const other = await selected(
    await shards(t, ({ docid, doc, token_num, lang }) => ({
      token_num: { type: new Int32(), values: token_num! },
      url: docid!.map((id) => `u/${String(id)}`),
      lang: { type: new Dictionary(new Utf8(), new Int8()), values: lang! },
      doc: doc!,
      docid: docid!,
    })),
  );
  const urls = plain['docid']!.map((id) => (String(id).startsWith('q') ? `u/${String(id)}` : null));
  const { nag_distance, nag_rank, ...own } = plain;
  t.strictSame(other, { ...own, url: urls, nag_distance, nag_rank });
});

const conflicting = (columns: Record<string, unknown[]>) =>
  ({ ...columns, lang: { type: new Int32(), values: [1, 2, 3, 4] } }) as Record<string, TestColumn>;

t.test('a column of two types is refused before any work, and what the message advises works', async (t) => {
  t.match(await failure(await shards(t, conflicting)), {
    exitCode: 1,
    message:
      /^pool2\.parquet: column "lang": is Int32 here and Utf8 in pool\.parquet, .*leave the column out \(columns: on the sink\), or read the files in two sources with a sink each$/,
  });
  const out = '{path: out/selected.parquet, columns: [docid, nag_distance]}';
  const without = await selected(await shards(t, conflicting, { out }));
  t.strictSame([Object.keys(without), without['docid']!.length], [['docid', 'nag_distance'], 12]);
  const dir = await shards(t, conflicting);
  const sources = ['pool', 'pool2'].map(
    (name) => `
  - {use: read.parquet, with: {path: ${name}.parquet}}
  - {use: write.parquet, with: {path: out/${name}.parquet}}`,
  );
  await writeFile(join(dir, 'pipeline.yaml'), `version: 1\nstages:${sources.join('')}\n`);
  await main(['run', join(dir, 'pipeline.yaml')], 'test');
  t.strictSame((await readColumns(join(dir, 'out', 'pool2.parquet')))['lang'], [1, 2, 3, 4]);
});

t.test('a second run finds everything kept, and writes the same bytes', async (t) => {
  const dir = await shards(t, ({ docid, doc, token_num }) => ({
    doc: doc!,
    docid: docid!,
    token_num: token_num!,
  }));
  const config = join(dir, 'pipeline.yaml');
  await writeFile(
    config,
    (await readFile(config, 'utf8')).replace('version: 1', 'version: 1\nstate_dir: state'),
  );
  const run = async () => {
    await main(['run', config], 'test');
    return (await readFile(join(dir, 'out', 'selected.parquet'))).toString('base64');
  };
  t.equal(await run(), await run());
});
