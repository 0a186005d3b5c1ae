import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { main } from '../../pipeline/cli/main.js';
import { makePipeline } from './pipeline.js';

/** The bytes of the output, of a run in a shell whose current folder is `current`. */
async function outputOf(dir: string, current: string, ...set: string[]): Promise<Buffer> {
  const before = process.cwd();
  process.chdir(current);
  try {
    await main(['run', join(dir, 'pipeline.yaml'), ...set.flatMap((text) => ['--set', text])], 'test');
  } finally {
    process.chdir(before);
  }
  return await readFile(join(dir, 'out/selected.parquet'));
}

t.test('a folder that is moved gives the same bytes, from any current folder', async (t) => {
  const dir = await makePipeline(t);
  const other = await mkdtemp(join(tmpdir(), 'moved-'));
  t.teardown(() => rm(other, { recursive: true }));
  const moved = join(other, 'deeper');
  await cp(dir, moved, { recursive: true });
  const bytes = await outputOf(dir, dir);
  t.ok(bytes.equals(await outputOf(moved, other)));
  t.ok(bytes.includes('nag.config'));
});
