import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { main } from '../../pipeline/cli/main.js';
import { readParquet } from '../../transforms/read-parquet.js';
import { makePipeline } from '../faults/pipeline.js';
import { readGolden } from '../fixtures/golden.js';
import { readColumns } from '../fixtures/parquet.js';
import { names, openSource, readAll, testContext } from './context.js';

const files = readGolden<Record<'pandas' | 'pyarrow' | 'between', string>>('pools', 'empty');
const bytes = (name: keyof typeof files) => Buffer.from(files[name], 'base64');

t.test('a row group of no rows has columns and no rows, alone and between others', async (t) => {
  const dir = t.testdir({
    'pandas.parquet': bytes('pandas'),
    'pyarrow.parquet': bytes('pyarrow'),
    'z.parquet': bytes('between'),
  });
  const read = async (name: string) => {
    const source = await openSource(readParquet, { path: join(dir, name) }, testContext(t));
    const batches = await readAll(source);
    return [source.rows, batches.map((batch) => [batch.rows.length, ...names(batch)])];
  };
  const columns = ['docid', 'doc', 'token_num', 'lang'];
  t.strictSame(
    [
      await read('pandas.parquet'),
      await read('pyarrow.parquet'),
      await read('z.parquet'),
      await read('*.parquet'),
    ],
    [
      [0, [[0, ...columns, 'kind']]],
      [0, [[0, ...columns]]],
      [1, [[1, ...columns]]],
      [1, [0, 0, 1].map((rows) => [rows, ...columns, 'kind'])],
    ],
  );
});

async function selected(t: Test, pool: Record<string, Buffer>): Promise<Record<string, unknown[]>> {
  const dir = await makePipeline(t, { pool: '{path: "pool*.parquet"}' });
  for (const [name, content] of Object.entries(pool)) await writeFile(join(dir, name), content);
  await main(['run', join(dir, 'pipeline.yaml')], 'test');
  return await readColumns(join(dir, 'out', 'selected.parquet'));
}

t.test('a pool without rows: a complete output with the right columns', async (t) => {
  const out = await selected(t, { 'pool.parquet': bytes('pyarrow') });
  t.strictSame(out, { docid: [], doc: [], token_num: [], lang: [], nag_distance: [], nag_rank: [] });
});

t.test('an empty shard among full ones changes nothing', async (t) => {
  const plain = await selected(t, {});
  t.strictSame(await selected(t, { 'pool-0.parquet': bytes('pyarrow') }), plain);
});
