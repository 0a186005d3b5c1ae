import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { verifyLines } from '../../sinks/verify-lines.js';

t.test('whole lines are counted, in plain and gzipped files', async (t) => {
  const dir = t.testdir();
  const text = '{"n":1}\n'.repeat(300_000);
  for (const [name, bytes] of [
    ['a.jsonl', Buffer.from(text)],
    ['a.jsonl.gz', gzipSync(text)],
  ] as const) {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    await verifyLines(path, 300_000, 'out');
    const fewer = {
      name: 'DataError',
      message: 'out: was not written: 300001 rows went in, 300000 whole lines read back',
    };
    await t.rejects(verifyLines(path, 300_001, 'out'), fewer);
    writeFileSync(path, name.endsWith('.gz') ? gzipSync(text.slice(0, -1)) : text.slice(0, -1));
    await t.rejects(verifyLines(path, 300_000, 'out'), {
      message: /299999 whole lines and a part of one read back/,
    });
    writeFileSync(path, name.endsWith('.gz') ? gzipSync('') : '');
    await verifyLines(path, 0, 'out');
  }
  writeFileSync(join(dir, 'a.jsonl.gz'), gzipSync(text).subarray(0, -9));
  await t.rejects(verifyLines(join(dir, 'a.jsonl.gz'), 300_000, 'out'), {
    message: /does not read back \(unexpected end/,
  });
  await t.rejects(verifyLines(join(dir, 'missing'), 0, 'out'), { message: /out: was not written.*ENOENT/ });
});
