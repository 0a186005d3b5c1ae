import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { DataError } from '../../../pipeline/errors.js';
import { openMemory, type StageMemories } from '../../../pipeline/state/memory.js';
import { allSame } from '../../fixtures/all-same.js';

const { signal } = new AbortController();
const silent = (text: string) => t.fail(`unexpected note: ${text}`);
const bytes = (text: string) => new TextEncoder().encode(text);

async function recalled(memory: StageMemories, stage: string, name: string): Promise<string | undefined> {
  const value = await memory.of(stage).recall(name);
  return value && new TextDecoder().decode(value);
}

/** A folder in which a run has left `old` for the stage `rank`. */
async function withOld(folder: string): Promise<void> {
  const memory = await openMemory(folder, signal, silent);
  await memory.of('rank').remember('list', bytes('old'));
  await memory.commit();
}

t.test('a run finds what the last complete one left, and nothing else', async (t) => {
  const folder = join(t.testdir(), 'state', 'memory');
  const before = new Date();
  const first = await openMemory(folder, signal, silent);
  t.equal(first.of('rank').since, undefined);
  t.equal(await recalled(first, 'rank', 'list'), undefined, 'nothing yet');
  await first.of('rank').remember('list', bytes('first try'));
  await first.of('rank').remember('list', bytes('a'));
  await first.of('profile').remember('list', bytes('b'));
  t.equal(await recalled(first, 'rank', 'list'), undefined, 'aside until the run is complete');
  await first.commit();

  const second = await openMemory(folder, signal, silent);
  t.equal(await recalled(second, 'rank', 'list'), 'a');
  t.equal(await recalled(second, 'profile', 'list'), 'b');
  t.equal(await recalled(second, 'rank', 'other'), undefined);
  t.ok(second.of('rank').since! >= before && second.of('rank').since! <= new Date());
  await second.of('rank').remember('list', bytes('c'));
  await second.commit();
  const third = await openMemory(folder, signal, silent);
  t.equal(await recalled(third, 'rank', 'list'), 'c');
  t.equal(await recalled(third, 'profile', 'list'), undefined, 'what a run does not leave is gone');
});

t.test('what is discarded never was, and the run may begin anew', async (t) => {
  const folder = t.testdir();
  await withOld(folder);
  const memory = await openMemory(folder, signal, silent);
  await memory.of('rank').remember('list', bytes('broken'));
  await memory.of('rank').remember('half', bytes('broken'));
  await memory.discard();
  await memory.of('rank').remember('list', bytes('new'));
  await memory.commit();
  const next = await openMemory(folder, signal, silent);
  t.equal(await recalled(next, 'rank', 'list'), 'new');
  t.equal(await recalled(next, 'rank', 'half'), undefined);
});

t.test('stages and names are any text, values any bytes', async (t) => {
  const folder = t.testdir();
  const names = ['', 'a/b', '../../up', 'A', 'a', 'é\u{1F600}\n\0', 'x'.repeat(5000), 'CON', '["a","b"]'];
  const owners = names.flatMap((stage) => names.map((name) => ({ stage, name })));
  const memory = await openMemory(folder, signal, silent);
  const value = (text: string) => Uint8Array.of(10, 0, 255, ...bytes(text), 10);
  for (const { stage, name } of owners)
    await memory.of(stage).remember(name, value(JSON.stringify([stage, name])));
  await memory.of('empty').remember('value', new Uint8Array(0));
  await memory.commit();
  const next = await openMemory(folder, signal, silent);
  await allSame(t, 'what is recalled', async (same) => {
    for (const { stage, name } of owners) {
      const owner = JSON.stringify([stage, name]);
      same([...((await next.of(stage).recall(name)) ?? [])], [...value(owner)], owner.slice(0, 80));
    }
  });
  t.strictSame(await next.of('empty').recall('value'), new Uint8Array(0));
  const large = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251);
  await next.of('large').remember('value', large);
  await next.commit();
  const found = await (await openMemory(folder, signal, silent)).of('large').recall('value');
  t.ok(found && Buffer.compare(found, large) === 0);
  t.equal(new Float64Array(found!.buffer, 0, 10).length, 10, 'aligned for numbers');
});

t.test('whatever step of commit is the last, the old or the new is there whole', async (t) => {
  const dir = t.testdir();
  const [folder, old, written, switched] = ['memory', 'old', 'written', 'switched'].map((name) =>
    join(dir, name),
  ) as [string, string, string, string];
  await withOld(folder);
  await cp(folder, old, { recursive: true });
  const memory = await openMemory(folder, signal, silent);
  await memory.of('rank').remember('list', bytes('new'));
  await cp(folder, written, { recursive: true });
  await writeFile(join(written, '.current.tmp-0123abcd-1-0123abcd0'), '{"vers');
  await memory.commit();
  await cp(folder, switched, { recursive: true });
  await cp(old, switched, { recursive: true, filter: (from) => !from.endsWith('current') });
  t.equal((await readdir(written)).length, 4, 'two versions, the file that names one, and one on its way');
  t.equal((await readdir(switched)).length, 3, 'two versions, and the file that names one');
  for (const [state, expected] of [
    [written, 'old'],
    [switched, 'new'],
  ] as const) {
    const next = await openMemory(state, signal, silent);
    t.equal(await recalled(next, 'rank', 'list'), expected);
    t.equal((await readdir(state)).length, 2, 'leftovers are swept');
  }
});

t.test('a process that is killed while it commits again and again', async (t) => {
  const folder = t.testdir();
  for (const kills of [3, 1, 7]) {
    const child = committing(folder);
    let committed = -1;
    for await (const line of createInterface({ input: child.stdout! })) {
      committed = Number(line);
      if (committed % 10 === kills) break;
    }
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const memory = await openMemory(folder, signal, silent);
    const [a, b] = [await recalled(memory, 'a', 'number'), await recalled(memory, 'b', 'number')];
    t.equal(a, b, 'one version');
    t.ok(Number(a) >= committed, 'nothing that was committed is lost');
  }
});

/** A process that commits 0, 1, 2, … for two stages and says so. */
function committing(folder: string): ChildProcess {
  const module = new URL('../../../pipeline/state/memory.js', import.meta.url).href;
  const script = `
    import { openMemory } from ${JSON.stringify(module)};
    for (let n = 0; ; n++) {
      const memory = await openMemory(${JSON.stringify(folder)}, new AbortController().signal, () => process.exit(1));
      for (const stage of ['a', 'b']) await memory.of(stage).remember('number', Buffer.from(String(n)));
      await memory.commit();
      console.log(n);
    }`;
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: [...stdio] });
}

t.test('a value that is damaged counts as none, and a note says so', async (t) => {
  const folder = t.testdir();
  const damages: Record<string, (value: Buffer) => Buffer> = {
    'a byte of the value': (value) => Buffer.concat([value.subarray(0, -1), Buffer.of(value.at(-1)! ^ 1)]),
    'cut off': (value) => value.subarray(0, -2),
    'longer than it was': (value) => Buffer.concat([value, Buffer.of(0)]),
    'cut off in its head': (value) => value.subarray(0, 20),
    'without anything': () => Buffer.alloc(0),
    'a byte of the head': (value) => Buffer.concat([Buffer.from('['), value.subarray(1)]),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const memory = await openMemory(folder, signal, silent);
    await memory.of('rank').remember('list', bytes('a list'));
    await memory.of('rank').remember('other', bytes('unharmed'));
    await memory.commit();
    for (const file of await valuesIn(folder)) {
      const value = await readFile(file);
      if (value.includes('a list')) await writeFile(file, damage(value));
    }
    const notes: string[] = [];
    const next = await openMemory(folder, signal, (text) => notes.push(text));
    t.equal(await recalled(next, 'rank', 'list'), undefined, name);
    t.match(notes, [/^rank: what the last run left as "list" is damaged/]);
    t.equal(await recalled(next, 'rank', 'other'), 'unharmed');
    t.equal(notes.length, 1);
  }
});

t.test('values that were exchanged are not taken for each other', async (t) => {
  const folder = t.testdir();
  const memory = await openMemory(folder, signal, silent);
  await memory.of('rank').remember('a', bytes('1'));
  await memory.of('rank').remember('b', bytes('2'));
  await memory.commit();
  const [one, other] = await valuesIn(folder);
  await copyFile(one!, other!);
  const notes: string[] = [];
  const next = await openMemory(folder, signal, (text) => notes.push(text));
  const found = [await recalled(next, 'rank', 'a'), await recalled(next, 'rank', 'b')];
  t.equal(found.filter((value) => value === undefined).length, 1);
  t.equal(notes.length, 1);
});

t.test('where it cannot be known which version counts, none does', async (t) => {
  const broken = ['', '{', '[]', 'null', '{"version":"../x","since":"2026-11-24T02:00:00Z"}'];
  broken.push('{"version":"0123456789abcdef","since":"2026-11-24T02:00:00Z"}', '{"version":"x"}');
  for (const text of broken) {
    const folder = join(t.testdir(), 'memory');
    await withOld(folder);
    await writeFile(join(folder, 'current'), text);
    const notes: string[] = [];
    const memory = await openMemory(folder, signal, (note) => notes.push(note));
    t.equal(memory.of('rank').since, undefined);
    t.equal(await recalled(memory, 'rank', 'list'), undefined, text);
    t.match(notes, [/current is damaged/]);
    await memory.of('rank').remember('list', bytes('new'));
    await memory.commit();
    t.equal(await recalled(await openMemory(folder, signal, silent), 'rank', 'list'), 'new');
  }
});

t.test('a folder that cannot be used, and a run that is stopped', async (t) => {
  const dir = t.testdir({ file: 'a file' });
  await t.rejects(openMemory(join(dir, 'file'), signal, silent), DataError);
  const stopping = new AbortController();
  const memory = await openMemory(join(dir, 'memory'), stopping.signal, silent);
  stopping.abort(new Error('stopped'));
  await t.rejects(memory.of('rank').remember('list', bytes('x')), { message: 'stopped' });
  await t.rejects(memory.of('rank').recall('list'), { message: 'stopped' });
  await memory.discard();
});

/** Files of values, in the order of their names. */
async function valuesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'current')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
