import { chmodSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Holder, ownHolder } from '../../../pipeline/state/holder.js';
import {
  acquireLock,
  type Lock,
  Locked,
  type LockOptions,
  runningText,
} from '../../../pipeline/state/lock.js';
import { allSame } from '../../fixtures/all-same.js';
import { gate } from '../../fixtures/engine.js';
import { startLockProcess } from '../../fixtures/lock-process.js';

const never = new AbortController().signal;
/** Quick beats, and locks that are not watched unless their times are set back. */
const times = { beat: 0.02, stale: 60, poll: 0.01 };

async function take(t: Test, folder: string, more: Partial<LockOptions> = {}): Promise<Lock> {
  const lock = await acquireLock(folder, { name: 'test', signal: never, ifRunning: 'fail', times, ...more });
  t.teardown(() => lock.release());
  return lock;
}

const locks = (folder: string) => readdirSync(folder).sort();

/** Writes the lock of somebody else, last touched so many seconds ago. */
async function writeLock(folder: string, change: Partial<Holder>, ago = 0): Promise<string> {
  const file = join(folder, 'lock.4');
  writeFileSync(file, JSON.stringify({ ...(await ownHolder('other')), nonce: 'x', ...change }));
  setBack(file, ago);
  return file;
}

function setBack(file: string, ago: number): void {
  const then = statSync(file).mtimeMs / 1000 - ago;
  utimesSync(file, then, then);
}

t.test('a second run is refused, told by whom, and may come after the first', async (t) => {
  const folder = t.testdir();
  const first = await take(t, folder);
  t.equal(await first.held(), true);
  const refused = await take(t, folder).catch((error: unknown) => error);
  t.type(refused, Locked);
  t.match(refused, { name: 'Locked', exitCode: 3, quiet: false, running: { seen: true } });
  const { message } = refused as Locked;
  for (const part of ['"test" is running', `process ${process.pid} on ${hostname()} since 2`, 'if_running'])
    t.match(message, part);
  await first.release();
  t.equal(await first.held(), false);
  const second = await take(t, folder);
  t.equal(await second.held(), true);
  t.same(locks(folder), ['lock.2'], 'nothing else is left');
  await first.release();
  t.equal(await second.held(), true, 'to release twice frees nobody else’s lock');
});

t.test('skip is quiet', async (t) => {
  const folder = t.testdir();
  await take(t, folder);
  await t.rejects(take(t, folder, { ifRunning: 'skip' }), { name: 'Locked', exitCode: 3, quiet: true });
});

t.test('wait waits, is told once of it, and can be interrupted', async (t) => {
  const folder = t.testdir();
  const first = await take(t, folder);
  const told: string[] = [];
  const begun = gate();
  const onWait: LockOptions['onWait'] = (running) => {
    told.push(runningText(running));
    begun.open();
  };
  const waiting = take(t, folder, { ifRunning: 'wait', onWait });
  await begun.opened;
  const stopping = new AbortController();
  const onWaitToo = () => stopping.abort(new Error('stopped'));
  await t.rejects(
    take(t, folder, { ifRunning: 'wait', signal: stopping.signal, onWait: onWaitToo }),
    /stopped/,
  );
  await first.release();
  t.equal(await (await waiting).held(), true);
  t.match(told, [/"test" is running/]);
  await t.rejects(take(t, folder, { signal: AbortSignal.abort(new Error('too late')) }), /too late/);
});

t.test('the lock of a killed process frees itself', async (t) => {
  const folder = t.testdir();
  const holder = await startLockProcess();
  t.teardown(() => holder.kill());
  t.equal(await holder.take(folder), 'won');
  await t.rejects(take(t, folder), {
    name: 'Locked',
    message: `process ${holder.child.pid}`,
  });
  await holder.kill();
  t.equal(await (await take(t, folder)).held(), true);
  t.same(locks(folder), ['lock.2']);
});

t.test('of many that start at once exactly one wins', async (t) => {
  const starters = await Promise.all(Array.from({ length: 8 }, startLockProcess));
  t.teardown(() => Promise.all(starters.map(({ kill }) => kill())));
  const fresh = t.testdir({ left: {}, empty: Object.fromEntries([...Array(20).keys()].map((i) => [i, {}])) });
  await allSame(t, 'one wins, and the others say who', async (same) => {
    for (let round = 0; round < 60; round++) {
      // An empty folder, the lock of a dead process, or whatever the last round left.
      const folder = round < 20 ? join(fresh, 'empty', String(round)) : join(fresh, 'left');
      if (round >= 40)
        for (const name of locks(folder))
          writeFileSync(
            join(folder, name),
            JSON.stringify({ ...(await ownHolder('dead')), processStart: '1' }),
          );
      const answers = await Promise.all(starters.map(({ take }) => take(folder)));
      const winners = starters.filter((_, i) => answers[i] === 'won');
      const refused = answers.filter((answer) => answer.startsWith('3 "nightly" is running'));
      const told = refused[0]?.includes(`process ${winners[0]?.child.pid} `);
      same(
        { winners: winners.length, refused: refused.length, told },
        { winners: 1, refused: 7, told: true },
        `round ${round}: ${answers.join(' | ')}`,
      );
      await winners[0]?.release();
    }
  });
});

t.test('a process with the same number is not the holder', async (t) => {
  const folder = t.testdir();
  const { processStart } = await ownHolder('x');
  t.not(processStart, '');
  await writeLock(folder, { processStart: `${processStart}1` });
  t.equal(await (await take(t, folder)).held(), true);
  t.same(locks(folder), ['lock.5']);
});

t.test('a holder that cannot be seen counts while its lock is fresh', async (t) => {
  for (const change of [{ host: 'elsewhere' }, { bootId: 'another' }, { pidNamespace: 'pid:[1]' }]) {
    const folder = t.testdir();
    await writeLock(folder, { ...change, pid: 4194304 });
    await t.rejects(take(t, folder), { name: 'Locked', running: { seen: false }, message: /cannot be seen/ });
    await writeLock(folder, change, 3600);
    t.equal(await (await take(t, folder)).held(), true, 'and no longer');
    t.same(locks(folder), ['lock.5']);
  }
});

t.test('a holder touches its lock', async (t) => {
  const folder = t.testdir();
  await take(t, folder);
  const file = join(folder, 'lock.1');
  setBack(file, 3600);
  const { mtimeMs } = statSync(file);
  while (statSync(file).mtimeMs === mtimeMs) await new Promise((resolve) => setTimeout(resolve, 5));
  t.ok(statSync(file).mtimeMs > mtimeMs + 3_000_000);
});

t.test('a lock that is touched counts, however wrong the clock is', async (t) => {
  const folder = t.testdir();
  for (const ago of [3600, -3600]) {
    const file = await writeLock(folder, { host: 'elsewhere' }, ago);
    const touching = setInterval(() => setBack(file, -1), 5);
    await t.rejects(take(t, folder), { name: 'Locked', running: { seen: false } });
    clearInterval(touching);
  }
});

t.test('a damaged lock counts as long as it is fresh', async (t) => {
  for (const text of ['', '{"pid": 1', '[]', '{"pid":"1"}']) {
    const folder = t.testdir({ 'lock.7': text });
    await t.rejects(take(t, folder), {
      name: 'Locked',
      message: /lock\.7 is damaged/,
      running: { holder: undefined },
    });
    setBack(join(folder, 'lock.7'), 3600);
    t.equal(await (await take(t, folder)).held(), true);
    t.same(locks(folder), ['lock.8']);
  }
});

t.test('a lock that vanished is noticed, and released without a word', async (t) => {
  const folder = t.testdir({ state: {} });
  const state = join(folder, 'state');
  const lock = await take(t, state);
  rmSync(state, { recursive: true });
  t.equal(await lock.held(), false);
  await lock.release();
  t.same(locks(folder), [], 'releasing makes nothing');
});

t.test('a lock that another has taken over is noticed, and stays the other’s', async (t) => {
  const folder = t.testdir();
  const slow = await take(t, folder, { times: { ...times, beat: 3600 } });
  writeFileSync(join(folder, 'lock.2'), JSON.stringify(await ownHolder('faster')));
  t.equal(await slow.held(), false);
  await slow.release();
  t.match(readFileSync(join(folder, 'lock.2'), 'utf8'), 'faster');
});

t.test('what lies about is swept, other files stay', async (t) => {
  const folder = t.testdir({ '.lock-left': 'x', 'lock.txt': 'x', runs: {}, 'lock.1': '{"free":true}\n' });
  await take(t, folder);
  t.same(locks(folder), ['lock.2', 'lock.txt', 'runs']);
});

t.test('a folder that is missing, no folder, or cannot be written', async (t) => {
  const folder = t.testdir({ file: 'x', closed: {} });
  const where = (name: string) => ({ name: 'DataError', place: { file: join(folder, name) } });
  await t.rejects(take(t, join(folder, 'none')), {
    ...where('none'),
    message: /no such file or folder.*make it a folder/,
  });
  await t.rejects(take(t, join(folder, 'file')), {
    ...where('file'),
    message: /a file, not a folder.*state_dir/,
  });
  await t.test('read-only', { skip: process.getuid?.() === 0 && 'root may write anywhere' }, async (t) => {
    chmodSync(join(folder, 'closed'), 0o555);
    await t.rejects(take(t, join(folder, 'closed')), {
      ...where('closed'),
      message: /permission denied.*can be written/,
    });
  });
  await t.test('read-only, whoever asks', { skip: process.platform !== 'linux' && 'no /proc' }, async (t) => {
    await t.rejects(take(t, '/proc'), { name: 'DataError', message: /^\/proc: cannot hold the lock/ });
  });
});
