import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { fileChunks } from '../../pipeline/file-chunks.js';

const never = new AbortController().signal;

t.test('every byte in order, of files of any size', async (t) => {
  const file = join(t.testdir(), 'file');
  for (const size of [0, 1, 2 ** 20, 2 ** 20 + 1, 5 * 2 ** 20 + 7]) {
    await writeFile(file, randomBytes(size));
    const [found, wanted] = [createHash('sha256'), createHash('sha256').update(await readFile(file))];
    for await (const chunk of fileChunks(file, never)) {
      // Whoever works on a chunk gives the next read time to end.
      await new Promise((resolve) => setTimeout(resolve, 5));
      found.update(chunk);
    }
    t.equal(found.digest('hex'), wanted.digest('hex'), `${size} bytes`);
  }
});

t.test('errors and the signal end it, and the file is closed', async (t) => {
  const dir = t.testdir({ file: Buffer.alloc(3 * 2 ** 20).toString() });
  const read = async (file: string, signal: AbortSignal, each = () => {}) => {
    for await (const chunk of fileChunks(file, signal)) if (chunk.length > 0) each();
  };
  await t.rejects(read(join(dir, 'none'), never), { code: 'ENOENT' });
  await t.rejects(read(dir, never), { code: 'EISDIR' });
  const stopping = new AbortController();
  await t.rejects(
    read(join(dir, 'file'), stopping.signal, () => stopping.abort(new Error('enough'))),
    /enough/,
  );
  await t.rejects(read(join(dir, 'file'), stopping.signal), /enough/);
  const before = process.getActiveResourcesInfo().length;
  for await (const chunk of fileChunks(join(dir, 'file'), never)) if (chunk.length > 0) break;
  t.equal(process.getActiveResourcesInfo().length, before);
});
