import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FileBlob, type ReadFailure } from '../../../pipeline/arrow/file-blob.js';

t.test('slices of slices read their part of the file', async (t) => {
  const path = join(t.testdir({ f: '0123456789' }), 'f');
  const handle = await open(path);
  t.teardown(() => handle.close());
  const blob = new FileBlob(handle, 0, 10, {});
  t.equal(blob.size, 10);
  t.equal(await textOf(blob.slice(2, 9)), '2345678');
  t.equal(await textOf(blob.slice(2, 9).slice(1, 3)), '34');
  t.equal(await textOf(blob.slice(4, 4)), '');
});

t.test('bytes past 4 GiB are those at that place, not modulo 2^32', async (t) => {
  const path = join(t.testdir({ f: 'start' }), 'f');
  const size = 5 * 2 ** 30;
  await truncate(path, size);
  const handle = await open(path, 'r+');
  t.teardown(() => handle.close());
  await handle.write(Buffer.from('end'), 0, 3, size - 3);
  const blob = new FileBlob(handle, 0, size, {});
  t.equal(await textOf(blob.slice(size - 3, size)), 'end');
  t.equal(await textOf(blob.slice(0, 5)), 'start');
});

t.test('a file that ends early is an error, which is kept', async (t) => {
  const path = join(t.testdir({ f: '0123456789' }), 'f');
  const handle = await open(path);
  t.teardown(() => handle.close());
  const failure: ReadFailure = {};
  const blob = new FileBlob(handle, 0, 10, failure);
  await writeFile(path, '0123');
  await t.rejects(blob.slice(2, 8).arrayBuffer(), { message: 'ends at byte 4, before byte 8' });
  t.match(failure.cause, { message: 'ends at byte 4, before byte 8' });
});

async function textOf(blob: FileBlob): Promise<string> {
  return Buffer.from(await blob.arrayBuffer()).toString();
}
