import { utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Schema } from 'apache-arrow';
import t from 'tap';
import type { OpenSource } from '../../../pipeline/component.js';
import { NagError } from '../../../pipeline/errors.js';
import { type InputFiles, recallInputs, rememberInputs } from '../../../pipeline/state/input-files.js';
import { describeInputs, inputText, requireUnchanged, withDigests } from '../../../pipeline/state/inputs.js';
import { FileDigests } from '../../../pipeline/store/file-digests.js';
import { nightMemory } from '../../fixtures/memory.js';

const { signal } = new AbortController();

/** A source of files, two bundles each. */
function sourceOf(files: readonly string[], rows?: number): OpenSource {
  const bundles = files.flatMap((file, i) =>
    [0, 1].map((part) => ({ ordinal: i * 2 + part, file, firstRow: part * 5, rows: 5, bytes: 7 })),
  );
  const read = async function* () {};
  return { schema: new Schema([]), roles: {}, bundles, rows, read, close: async () => undefined };
}

async function describe(
  dir: string,
  names: readonly string[],
  previous: InputFiles | undefined,
  digests?: FileDigests,
) {
  const source = sourceOf(names.map((name) => join(dir, name)));
  return await describeInputs(
    new Map([['pool', source]]),
    previous,
    digests ?? (await FileDigests.open(dir)),
    signal,
  );
}

async function write(file: string, text: string, seconds: number): Promise<void> {
  await writeFile(file, text);
  await utimes(file, seconds, seconds);
}

t.test('contents that nothing reads: sizes and times stand for them', async (t) => {
  const dir = t.testdir();
  const [a, b] = [join(dir, 'a'), join(dir, 'b')];
  await write(a, 'aaaa', 1e9);
  await write(b, 'bbbb', 1e9);
  const first = await describe(dir, ['a', 'b'], undefined);
  t.match(first.records['pool'], {
    files: 2,
    bytes: 8,
    rows: null,
    fingerprint: /^stat:[0-9a-f]{64}$/,
    new: [a, b],
    counts: { new: 2, gone: 0, changed: 0 },
  });
  t.match((await describe(dir, ['b', 'a'], first.files)).records['pool'], {
    fingerprint: first.records['pool']!.fingerprint,
    counts: { new: 0, gone: 0, changed: 0 },
  });
  await write(b, 'bbbb', 1e9 + 1);
  const touched = await describe(dir, ['a', 'b'], first.files);
  t.strictSame(touched.records['pool']!.changed, [b], 'nobody knows whether it is the same');
  await write(b, 'bbbbb', 1e9);
  t.strictSame((await describe(dir, ['a', 'b'], first.files)).records['pool']!.changed, [b]);
});

t.test('with digests: by content, and a file is not read to know that it is the same', async (t) => {
  const dir = t.testdir();
  const [a, b] = [join(dir, 'a'), join(dir, 'b')];
  await write(a, 'aaaa', 1e9);
  await write(b, 'bbbb', 1e9);
  const digests = await FileDigests.open(dir);
  const before = await describe(dir, ['a', 'b'], undefined, digests);
  t.match(before.records['pool']!.fingerprint, /^stat:/);
  await digests.of(a, signal);
  await digests.of(b, signal);
  const first = withDigests(before, digests);
  t.match(first.records['pool']!.fingerprint, /^[0-9a-f]{64}$/);
  t.strictSame(first.records['pool']!.new, [a, b]);

  // The list of digests may be deleted: what the last run saw says the same.
  const again = await describe(dir, ['a', 'b'], first.files);
  t.equal(again.records['pool']!.fingerprint, first.records['pool']!.fingerprint);

  await write(a, 'aaaa', 1e9 + 50);
  await write(b, 'bbxb', 1e9 + 50);
  const second = await describe(dir, ['a', 'b'], first.files);
  t.strictSame(second.records['pool']!.changed, [b], 'one was touched, the other changed');
  t.throws(() => requireUnchanged(second), NagError);

  await write(b, 'bbbb', 1e9 + 99);
  const back = await describe(dir, ['a', 'b'], first.files);
  t.equal(back.records['pool']!.fingerprint, first.records['pool']!.fingerprint, 'times are nothing');
  requireUnchanged(back);
});

t.test('what a run leaves of its inputs, the next one finds', async (t) => {
  const dir = t.testdir({ a: 'a', b: 'b' });
  const digests = await FileDigests.open(dir);
  await digests.of(join(dir, 'a'), signal);
  const { files } = await describe(dir, ['a', 'b', 'not there'], undefined, digests);
  const { memory, left } = nightMemory();
  await rememberInputs(files, memory);
  t.strictSame(await recallInputs(nightMemory(left).memory), files);
  t.equal(await recallInputs(memory), undefined);
  const other = new Map([...left.keys()].map((name) => [name, Buffer.from('{"pool": [["a"]]}')]));
  t.equal(await recallInputs(nightMemory(other).memory), undefined, 'another form');
});

t.test('a source that reads no files has no fingerprint', async (t) => {
  const dir = t.testdir();
  const first = await describe(dir, ['topic'], undefined);
  t.match(first.records['pool'], { files: 1, bytes: 14, fingerprint: null });
  t.match(await describe(dir, ['topic'], first.files), {
    records: { pool: { counts: { new: 0, gone: 0, changed: 0 } } },
  });
});

t.test('many files: counts are exact, names are the first', async (t) => {
  const dir = t.testdir();
  const names = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
  for (const name of names) await write(join(dir, name), name, 1e9);
  const first = await describe(dir, names.slice(0, 50), undefined);
  for (const name of names.slice(20, 50)) await write(join(dir, name), `${name} changed`, 1e9);
  const second = await describe(dir, names.slice(5), first.files);
  const record = second.records['pool']!;
  t.strictSame(record.counts, { new: 10, gone: 5, changed: 30 });
  t.strictSame(
    record.changed.map((path) => basename(path)),
    names.slice(20, 40),
  );
  t.match(
    inputText('pool', record),
    /^pool: 55 files, .* MB \(10 new: 50, 51, 52, …; 30 changed: 20, 21, 22, …; 5 gone: 00, 01, 02, …\)$/,
  );
  const lines = String(t.throws(() => requireUnchanged(second), NagError)).split('\n');
  t.equal(lines.length, 22);
  t.match(lines.at(-1), /^ {2}and 10 more$/);
});

t.test('a run that is stopped while it looks', async (t) => {
  const stopping = new AbortController();
  stopping.abort(new Error('stopped'));
  const sources = new Map([['pool', sourceOf(['a'])]]);
  const digests = await FileDigests.open(t.testdir());
  await t.rejects(describeInputs(sources, undefined, digests, stopping.signal), { message: 'stopped' });
});
