import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { publishAll } from '../../pipeline/publication/publish.js';
import { stageFiles } from '../../sinks/stage-files.js';

t.test('files appear when they are published, and not before', async (t) => {
  const dir = t.testdir({ 'a.txt': 'earlier' });
  const paths = [join(dir, 'a.txt'), join(dir, 'deep', 'b.bin')];
  const contents = ['new', Uint8Array.of(1, 2)];
  const staged = await stageFiles(paths.map((path, i) => ({ path, content: contents[i]! })));
  t.strictSame(staged.files, paths);
  t.equal(await readFile(paths[0]!, 'utf8'), 'earlier');
  await publishAll(staged.outputs, { together: false });
  await staged.discard();
  t.equal(await readFile(paths[0]!, 'utf8'), 'new');
  t.strictSame([...(await readFile(paths[1]!))], [1, 2]);
  t.strictSame((await readdir(dir)).sort(), ['a.txt', 'deep']);
  t.strictSame(await readdir(join(dir, 'deep')), ['b.bin']);
});

t.test('discarded, or one that cannot be written: nothing is left', async (t) => {
  const dir = t.testdir({ file: '' });
  const staged = await stageFiles([{ path: join(dir, 'a.txt'), content: 'new' }]);
  await staged.discard();
  const impossible = [join(dir, 'a.txt'), join(dir, 'file', 'b.txt')].map((path) => ({ path, content: '' }));
  await t.rejects(stageFiles(impossible), { message: /b\.txt: cannot be written/ });
  t.strictSame(await readdir(dir), ['file']);
});
