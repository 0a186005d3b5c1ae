import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FileDigests } from '../../../pipeline/store/file-digests.js';

t.test('a list that cannot be written is told by its name', async (t) => {
  const dir = t.testdir({ store: {}, 'a.jsonl': '{}' });
  await utimes(join(dir, 'a.jsonl'), 1, 1);
  const digests = await FileDigests.open(join(dir, 'store'));
  const sha256 = await digests.of(join(dir, 'a.jsonl'), new AbortController().signal);
  t.match(sha256, /^[0-9a-f]{64}$/);
  // A folder in its place.
  await mkdir(join(dir, 'store', 'files.json'));
  await writeFile(join(dir, 'store', 'files.json', 'x'), '');
  const message = new RegExp(`^${join(dir, 'store', 'files.json')}: cannot be written: `);
  await t.rejects(digests.save(), { name: 'DataError', message });
});
