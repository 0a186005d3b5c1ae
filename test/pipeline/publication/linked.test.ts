import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { publishAll } from '../../../pipeline/publication/publish.js';
import { makeStagingFolder } from '../../../pipeline/publication/staging.js';
import { allSame } from '../../fixtures/all-same.js';
import { stageTexts, visible } from '../../fixtures/outputs.js';

const child = fileURLToPath(new URL('../../fixtures/publish-until.js', import.meta.url));

async function publish(dir: string, names: readonly string[], text: string, step?: (what: string) => void) {
  const staged = await stageTexts(dir, names, text);
  try {
    await publishAll(staged.outputs, { together: true, ...(step && { step }) });
  } finally {
    await staged.discard();
  }
}

/** Everything in a folder but links' targets: hidden folders with the number of their versions. */
function entries(dir: string): string[] {
  return readdirSync(dir)
    .map((name) => (name.startsWith('.nag-') ? `.nag ${versionsIn(join(dir, name)).length}` : name))
    .sort();
}

function versionsIn(root: string): string[] {
  return readdirSync(root).filter((name) => /^\d+$/.test(name));
}

const a = 'a.parquet';
const b = 'deep/b.jsonl';
/** What is there before, as text by name, and the names that are published. */
const situations: Record<
  string,
  { before: (t: Test) => Promise<string>; names: readonly string[]; old: boolean }
> = {
  'nothing was there': { before: async (t) => t.testdir(), names: [a, b], old: false },
  'plain files were there': {
    before: async (t) => t.testdir({ [a]: 'old', deep: { 'b.jsonl': 'old' } }),
    names: [a, b],
    old: true,
  },
  'a set was there': {
    before: async (t) => {
      const dir = t.testdir();
      await publish(dir, [a, b, 'parts'], 'older');
      await publish(dir, [a, b, 'parts'], 'old');
      return dir;
    },
    names: [a, b, 'parts'],
    old: true,
  },
  'another set was there': {
    before: async (t) => {
      const dir = t.testdir();
      await publish(dir, [a, b, 'c.json'], 'old');
      return dir;
    },
    names: [a, b],
    old: true,
  },
  'one folder, and a set was there': {
    before: async (t) => {
      const dir = t.testdir();
      await publish(dir, ['parts'], 'old');
      return dir;
    },
    names: ['parts'],
    old: true,
  },
  'one file': { before: async (t) => t.testdir({ [a]: 'old' }), names: [a], old: true },
  'a folder that is none of ours became a link': {
    before: async (t) => t.testdir({ [a]: 'old', parts: { 'part-00000.parquet': 'old' } }),
    names: [a, 'parts'],
    old: true,
  },
};

for (const [name, { before, names, old }] of Object.entries(situations)) {
  const all = (text: string | undefined) => names.map(() => text);
  const earlier = old ? 'old' : undefined;

  t.test(`${name}: at every step all is old or all is new`, async (t) => {
    const dir = await before(t);
    const seen: (string | undefined)[][] = [];
    await publish(dir, names, 'new', () => void seen.push(visible(dir, names)));
    const change = seen.findIndex((texts) => texts[0] === 'new');
    const news = change < 0 ? seen.length : change;
    t.strictSame(seen.slice(0, news), Array(news).fill(all(earlier)));
    t.strictSame(seen.slice(news), Array(seen.length - news).fill(all('new')));
    t.strictSame(visible(dir, names), all('new'));
    const gone = readdirSync(dir).filter((entry) => /\.(tmp|old)-/.test(entry));
    t.strictSame(gone, [], 'nothing is left over');
  });

  t.test(`${name}: killed at any step, all is old or all is new, and the next run succeeds`, async (t) => {
    const dir = await before(t);
    const copies = join(mkdtempSync(join(tmpdir(), 'nag-')), 'killed');
    t.teardown(() => rmSync(dirname(copies), { recursive: true }));
    const { signal, stderr } = spawnSync(process.execPath, [child, dir, 'new', copies, ...names]);
    t.equal(signal, 'SIGKILL', String(stderr));
    const states = readdirSync(dirname(copies)).length;
    t.ok(states > 1, `${states} states`);
    await allSame(t, 'what was left, and what the next run makes of it', async (same) => {
      for (let steps = 0; steps < states; steps++) {
        const state = `${copies}-${steps}`;
        const found = visible(state, names);
        const done = steps === states - 1;
        same(
          [done ? 'new' : earlier, 'new'].includes(found[0]) || found,
          true,
          `killed before step ${steps + 1}: old or new`,
        );
        same(found, all(found[0]), `killed before step ${steps + 1}: all alike`);
        await publish(state, names, 'next');
        same(visible(state, names), all('next'), `the run after step ${steps}`);
        const left = readdirSync(state, { recursive: true, encoding: 'utf8' });
        const rubbish = left.filter((one) => /\.(tmp|old)-/.test(one));
        same(rubbish, [], `the run after step ${steps}: what the killed one left is gone`);
      }
    });
  });

  t.test(`${name}: a failure at any step leaves all old, or all new, and no rubbish`, async (t) => {
    let failed = true;
    await allSame(t, 'what is left', async (same) => {
      for (let steps = 0; failed; steps++) {
        const dir = await before(t);
        let left = steps;
        const thrown = await publish(dir, names, 'new', () => {
          if (left-- === 0) throw new Error('broken');
        }).catch((error: Error) => error);
        failed = thrown !== undefined;
        const found = visible(dir, names);
        const told = /cannot be put in place: broken/.test(thrown?.message ?? '');
        if (thrown)
          same(
            { name: thrown.name, told },
            { name: 'DataError', told: true },
            `step ${steps}: ${thrown.message}`,
          );
        same(found, all(failed ? found[0] : 'new'), `step ${steps}: all alike`);
        if (failed && found[0] === undefined) {
          const rubbish = readdirSync(dir).filter((one) => one !== 'deep');
          same(rubbish, [], `step ${steps}: no rubbish`);
        }
      }
    });
  });
}

t.test(
  'two versions stay, outputs that are written no more are left alone, and a set without links goes',
  async (t) => {
    const dir = t.testdir();
    for (const text of ['1', '2', '3', '4']) await publish(dir, [a, b, 'c.json'], text);
    t.strictSame(entries(dir), ['.nag 2', a, 'c.json', 'deep']);
    t.notOk(readlinkSync(join(dir, a)).startsWith('/'), 'links are relative');
    await fs.rename(dir, `${dir}-moved`);
    t.strictSame(visible(`${dir}-moved`, [a, b]), ['4', '4'], 'the whole may be moved');
    await fs.rename(`${dir}-moved`, dir);
    await publish(dir, [a, b], '5');
    t.strictSame(visible(dir, [a, b, 'c.json']), ['5', '5', '4']);
    t.strictSame(entries(dir), ['.nag 2', '.nag 2', a, 'c.json', 'deep']);
    await publish(dir, ['c.json'], '6');
    t.ok(lstatSync(join(dir, 'c.json')).isFile(), 'one file needs no link');
    t.strictSame(entries(dir), ['.nag 2', a, 'c.json', 'deep'], 'nothing leads into the first set any more');
  },
);

t.test("a link of the user's stays, and a foreign file in our folder is not lost", async (t) => {
  const dir = t.testdir({ elsewhere: 'mine', out: {} });
  symlinkSync('../elsewhere', join(dir, 'out', a));
  await publish(join(dir, 'out'), [a, 'parts'], 'new');
  t.strictSame(visible(dir, ['elsewhere']), ['new']);
  t.equal(readlinkSync(join(dir, 'out', a)), '../elsewhere');
  writeFileSync(join(dir, 'out', 'parts', 'thesis.txt'), 'years of work');
  const refusal = { name: 'DataError', message: /parts: is a folder that holds other things.*thesis/ };
  await t.rejects(makeStagingFolder(join(dir, 'out', 'parts')), refusal, 'told before the work');
  t.strictSame(visible(join(dir, 'out'), [a, 'parts']), ['new', 'new']);
});

t.test('outputs in one another, or where no links can be made', async (t) => {
  const dir = t.testdir();
  await t.rejects(publish(dir, [a, a], 'new'), { message: /a\.parquet: is written by two stages/ });
  t.strictSame(readdirSync(dir), []);
  const compiled = fileURLToPath(new URL('../../../pipeline/publication/publish.js', import.meta.url));
  const refusing = { ...fs, symlink: () => Promise.reject(new Error('EPERM')) };
  const { publishAll: without } = await t.mockImport<{ publishAll: typeof publishAll }>(compiled, {
    'node:fs/promises': refusing,
  });
  const staged = await stageTexts(dir, [a, b], 'new');
  await t.rejects(without(staged.outputs, { together: true }), {
    name: 'DataError',
    message: /symbolic links, and none can be made here \(EPERM\): write one file, or leave state_dir out/,
  });
  await staged.discard();
  t.strictSame(visible(dir, [a, b]), [undefined, undefined]);
});

const memory = '/dev/shm';
const apart = existsSync(memory) && statSync(memory).dev !== statSync(process.cwd()).dev;

t.test(
  'outputs on two file systems',
  { skip: apart ? false : 'NOT RUN: there is no second file system' },
  async (t) => {
    const dir = t.testdir();
    const other = mkdtempSync(join(memory, 'nag-'));
    t.teardown(() => rmSync(other, { recursive: true }));
    const staged = [await stageTexts(dir, [a], 'new'), await stageTexts(other, [a], 'new')];
    const outputs = staged.flatMap((one) => one.outputs);
    await t.rejects(publishAll(outputs, { together: true }), {
      message: /another file system.*leave state_dir out/,
    });
    for (const { discard } of staged) await discard();
    t.strictSame([readdirSync(dir), readdirSync(other)], [[], []]);
  },
);

t.test('killed at random again and again, a reader never sees outputs of two runs', async (t) => {
  const dir = t.testdir({ deep: {} });
  const names = [a, b, 'parts'];
  await publish(dir, names, 'first');
  const root = join(dir, readdirSync(dir).find((name) => name.startsWith('.nag-'))!);
  const current = () => readlinkSync(join(root, 'current'));
  let [compared, changes, last] = [0, 0, ''];
  for (let life = 0; life < 6; life++) {
    const running = spawn(process.execPath, [child, dir, `life ${life}`, 'forever', ...names]);
    const ended = once(running, 'exit');
    running.stdout.resume();
    const until = changes + 3 + life;
    while (changes < until && running.exitCode === null) {
      // A turn of the event loop, so that the end of the child is noticed.
      await new Promise((resolve) => setImmediate(resolve));
      const version = current();
      const texts = visible(dir, names);
      if (current() !== version) continue;
      if (texts.includes(undefined) || new Set(texts).size > 1) t.fail(`version ${version}: ${texts}`);
      compared++;
      if (texts[0] !== last) changes++;
      last = texts[0] ?? '';
    }
    running.kill('SIGKILL');
    t.strictSame(await ended, [null, 'SIGKILL'], 'it ran until it was killed');
    const texts = visible(dir, names);
    t.equal(new Set(texts).size, 1, `${texts}`);
  }
  t.ok(compared > 20 && changes >= 20, `${compared} looks, ${changes} changes`);
  await publish(dir, names, 'last');
  t.strictSame(entries(dir), ['.nag 2', a, 'deep', 'parts']);
  t.strictSame(readdirSync(join(dir, 'deep')), ['b.jsonl']);
});
