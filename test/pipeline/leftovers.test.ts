import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import t from 'tap';
import { besides, sweepLeftovers } from '../../pipeline/leftovers.js';
import { makeStagingFolder } from '../../pipeline/publication/staging.js';

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
/** A process that has ended. */
const dead = spawnSync(process.execPath, ['-e', '']).pid;

t.test('what dead processes of this machine left is removed, nothing else', async (t) => {
  const ours = basename(besides('a', 'tmp'));
  const stay = [
    `.a.tmp-${host}-${process.ppid}-1`,
    `.a.tmp-0badc0de-${dead}-1`,
    `.a.tmp-${host}-${dead}`,
    ours,
    'a',
  ];
  const go = [
    `.a.tmp-${host}-${dead}-1`,
    `.b.parquet.tmp-${host}-${dead}-2`,
    `.a.old-${host}-${dead}-3`,
    `.a.tmp-${host}-${process.pid}-4`,
  ];
  const dir = t.testdir(Object.fromEntries([...stay, ...go].map((name) => [name, 'text'])));
  mkdirSync(join(dir, `.c.tmp-${host}-${dead}-4`));
  writeFileSync(join(dir, `.c.tmp-${host}-${dead}-4`, 'half'), '');
  await sweepLeftovers(dir);
  t.strictSame(readdirSync(dir).sort(), [...stay].sort());
});

t.test('an output that was moved aside, and has no successor, is put back', async (t) => {
  const dir = t.testdir({ [`.parts.old-${host}-${dead}-1`]: { 'part-00000.parquet': 'old' } });
  await makeStagingFolder(join(dir, 'other'));
  t.equal(readFileSync(join(dir, 'parts', 'part-00000.parquet'), 'utf8'), 'old');
});
