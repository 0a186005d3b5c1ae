import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ParquetSource } from '../../pipeline/arrow/parquet-file.js';
import { runCli } from '../fixtures/cli.js';
import { testParquetBytes } from '../fixtures/parquet.js';

const [files, rows, rowGroupRows] = [4, 10_000, 1000];

/** Text that cannot be compressed, so much of it that threads decode it. */
function bytesOf(file: number): Buffer {
  const docid = Array.from({ length: rows }, (_, row) => `${file}-${row}`);
  return Buffer.from(
    testParquetBytes({ docid, doc: docid.map(() => randomBytes(1500).toString('base64')) }, { rowGroupRows }),
  );
}

/** A stage that asks for all columns and does nothing with them: decoding is what takes the time. */
const stage = `
import { defineTransform, z } from 'nag-pipeline';
export const pass = defineTransform({
  name: 'pass',
  summary: 'Passes rows on',
  options: z.strictObject({}),
  example: '- {use: pass}',
  needs: () => ({ columns: 'all' }),
  async *run(input) { yield* input; },
});
`;

t.test('a large pool is decoded in threads: every row in order, and what is damaged told', async (t) => {
  const dir = t.testdir({ 'pass.mjs': stage });
  for (let file = 0; file < files; file++) await writeFile(join(dir, `${file}.parquet`), bytesOf(file));
  const pipeline = (policy: string) => `version: 1
on_error: {policy: ${policy}, max_ratio: 0.1}
state_dir: state
plugins: [pass.mjs]
stages:
  - {use: read.parquet, with: {path: "*.parquet"}}
  - {use: pass}
  - {use: write.jsonl, with: {path: out.jsonl, columns: [docid]}}
`;
  const run = async (policy: string) => {
    await writeFile(join(dir, 'c.yaml'), pipeline(policy));
    const ran = await runCli(['run', 'c.yaml'], { cwd: dir, env: { NODE_DEBUG: 'worker' } });
    t.match(ran.stderr, 'decoder-worker.js', 'Node tells of threads that are started');
    return ran;
  };
  const all = Array.from(
    { length: files * rows },
    (_, i) => `{"docid":"${Math.floor(i / rows)}-${i % rows}"}\n`,
  );

  t.equal((await run('fail')).code, 0);
  t.ok((await readFile(join(dir, 'out.jsonl'), 'utf8')) === all.join(''), 'all rows, in order');

  const last = join(dir, `${files - 1}.parquet`);
  const source = await ParquetSource.open(last);
  const compressed = source.rowGroups.slice(0, 5).reduce((sum, group) => sum + group.compressedBytes, 0);
  await source.close();
  const bytes = await readFile(last);
  // Behind the magic number; the headers of pages too, so that whatever the values are it cannot be decoded.
  bytes.fill(0xa5, 4 + compressed, 4 + compressed + 200_000);
  await writeFile(last, bytes);
  const failed = await run('fail');
  t.equal(failed.code, 1);
  t.match(failed.stderr, /3\.parquet: row group 5 \(\d+ MiB when decompressed\) cannot be decoded/);
  t.equal((await run('quarantine')).code, 0);
  const [name] = await readdir(join(dir, 'state', 'quarantine'));
  const rejected = JSON.parse(await readFile(join(dir, 'state', 'quarantine', name!), 'utf8'));
  t.match(rejected, { file: /3\.parquet$/, stage: 'read.parquet' });
  const first = (files - 1) * rows + rejected.row;
  t.ok(first >= (files - 1) * rows + 5 * rowGroupRows && first < (files - 1) * rows + 6 * rowGroupRows);
  const others = [...all.slice(0, first), ...all.slice(first + rejected.rows)];
  t.equal(first + rejected.rows, (files - 1) * rows + 6 * rowGroupRows, 'up to the end of the row group');
  t.ok((await readFile(join(dir, 'out.jsonl'), 'utf8')) === others.join(''), 'all others, in order');
});
