import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { Int32 } from 'apache-arrow';
import t from 'tap';
import { besides, sweepLeftovers } from '../../pipeline/leftovers.js';
import { makeStagingFolder } from '../../pipeline/publication/staging.js';
import { openState } from '../../pipeline/state/state.js';
import { openBundleStore } from '../../pipeline/store/bundle-store.js';
import { collectSink, memorySource, numbers, runStages } from '../fixtures/engine.js';
import { testContext } from '../transforms/context.js';

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

t.test('temporary files, states and stores are rid of what killed runs left there', async (t) => {
  const left = (name: string) => `.${name}.tmp-${host}-${dead}-1`;
  const dir = t.testdir({
    temp: { [left('nag')]: { spilled: 'much' }, 'nag-notes': {} },
    state: { [left('manifest.json')]: '', runs: { [left('20261124T020000Z-1f3a.json')]: '' } },
    store: { [left('files.json')]: '' },
  });
  const rows = memorySource([numbers(1, 1, 1, new Int32())[0]!]);
  await runStages(
    [
      ['in', rows],
      ['out', collectSink()],
    ],
    { tempDir: join(dir, 'temp') },
  );
  t.strictSame(readdirSync(join(dir, 'temp')), ['nag-notes']);

  const { signal } = new AbortController();
  const state = await openState(join(dir, 'state'), { name: 'nightly', ifRunning: 'fail', signal });
  await state.close();
  t.strictSame(readdirSync(join(dir, 'state')).sort(), ['lock.1', 'quarantine', 'runs']);
  t.strictSame(readdirSync(join(dir, 'state', 'runs')), []);

  const context = { ...testContext(t), ifChanged: 'redo', pieceSeconds: 0, stores: [] } as const;
  const store = await openBundleStore(join(dir, 'store'), [{ stage: 'read', facts: {} }], context);
  await store.close();
  t.notOk(readdirSync(join(dir, 'store')).includes(left('files.json')));
});
