import { appendFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { requireSameFile, stampOf } from '../../../transforms/reading/same-file.js';

t.test('a file is the same until it is written to or removed', async (t) => {
  const file = join(t.testdir({ 'a.jsonl': 'abc' }), 'a.jsonl');
  const stamp = await stampOf(file);
  await requireSameFile(file, stamp);

  await appendFile(file, 'd');
  await t.rejects(requireSameFile(file, stamp), {
    message: `${file}: changed during the run: it had 3 bytes, and has 4 now; run again`,
  });
  await writeFile(file, 'xyz');
  await utimes(file, 1, 1);
  await t.rejects(requireSameFile(file, stamp), { message: /changed during the run/ });
  await rm(file);
  await t.rejects(requireSameFile(file, stamp), {
    message: /was listed when the run began and is gone now$/,
  });
});
