import { chmodSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { readInt8Weights } from '../../../transforms/backbone/int8-weights.js';
import { openInt8Weights } from '../../../transforms/int8/weights-cache.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';

const fingerprint = 'f'.repeat(64);

async function cache(t: Test) {
  const dir = t.testdir({});
  await writeCheckpoint(join(dir, 'model'), 'qwen3', { dtype: 'BF16', config: { num_hidden_layers: 1 } });
  const checkpoint = await openCheckpoint(join(dir, 'model'));
  const folder = join(dir, 'state', 'cache');
  const notes: string[] = [];
  const doing: (string | undefined)[] = [];
  const open = async (own = fingerprint, signal = new AbortController().signal) => {
    doing.length = 0;
    const wanted = { checkpoint, fingerprint: own, folder };
    const context = {
      note: (text: string) => notes.push(text),
      doing: (text?: string) => doing.push(text),
      signal,
    };
    return await openInt8Weights(wanted, context);
  };
  return { checkpoint, folder, notes, doing, open, dir };
}

t.test('made once, beside the state and never beside the model', async (t) => {
  const { checkpoint, folder, notes, doing, open, dir } = await cache(t);
  const file = await open();
  t.match(basename(file), /^f{32}\.int8-1\.u?int8\.[0-9a-f]{8}\.safetensors$/);
  t.strictSame(doing, ['int8 weights are made', undefined]);
  t.strictSame(readdirSync(folder), [basename(file)]);
  t.strictSame(readdirSync(join(dir, 'model')).sort(), ['config.json', 'model.safetensors']);
  const { weights } = await readInt8Weights(file, checkpoint.architecture);
  t.equal(weights.size, 7, 'all linear layers');
  t.equal(await open(), file);
  t.strictSame(doing, ['int8 weights are checked', undefined]);
  t.not(await open('e'.repeat(64)), file, 'another model has a file of its own');
  t.strictSame(notes, []);
});

const damages: Readonly<Record<string, (file: string) => void>> = {
  'cut off': (file) => truncateSync(file, 1000),
  empty: (file) => truncateSync(file, 0),
  'one bit of a weight': (file) => flip(file, readFileSync(file).length - 1),
  'one bit of the header': (file) => flip(file, 20),
  longer: (file) => writeFileSync(file, 'x', { flag: 'a' }),
};

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 4;
  writeFileSync(file, bytes);
}

for (const [name, damage] of Object.entries(damages))
  t.test(`damaged (${name}): told, and made again`, async (t) => {
    const { folder, notes, open } = await cache(t);
    const file = await open();
    const whole = readFileSync(file);
    damage(file);
    t.equal(await open(), file);
    t.ok(readFileSync(file).equals(whole), 'the same bytes');
    t.strictSame(readdirSync(folder), [basename(file)]);
    t.strictSame(notes, [`the int8 weights in ${file} are damaged: they are made again`]);
  });

t.test('of another version: told, removed, made again', async (t) => {
  const { folder, notes, open } = await cache(t);
  const file = await open();
  const old = file.replace('int8-1', 'int8-0');
  renameSync(file, old);
  t.equal(await open(), file);
  t.strictSame(readdirSync(folder), [basename(file)]);
  t.strictSame(notes, [`the int8 weights in ${old} are of another version: they are made again`]);
});

t.test('what another kind of processor has made stays', async (t) => {
  const { folder, open } = await cache(t);
  const file = await open();
  const other = file.includes('.uint8.')
    ? file.replace('.uint8.', '.int8.')
    : file.replace('.int8.', '.uint8.');
  renameSync(file, other);
  t.equal(await open(), file);
  t.strictSame(readdirSync(folder).sort(), [basename(file), basename(other)].sort());
});

t.test('a half-written one is never taken', async (t) => {
  const { folder, open } = await cache(t);
  const file = await open();
  renameSync(file, join(folder, `.${basename(file)}.tmp-00000000-1-abc`));
  t.equal(await open(), file);
});

t.test('a place that cannot be written, and an end in the middle', async (t) => {
  const { folder, open, dir } = await cache(t);
  await t.rejects(open(fingerprint, AbortSignal.abort(new Error('stopped'))), { message: 'stopped' });
  t.strictSame(readdirSync(folder), [], 'nothing is left');
  writeFileSync(join(dir, 'file'), '');
  const blocked = {
    checkpoint: await openCheckpoint(join(dir, 'model')),
    fingerprint,
    folder: join(dir, 'file'),
  };
  const context = { note: () => undefined, doing: () => undefined, signal: new AbortController().signal };
  await t.rejects(openInt8Weights(blocked, context), {
    name: 'DataError',
    message: /file: int8 weights cannot be kept here: /,
  });
  if (process.getuid?.() === 0) return t.comment('skipped: root may write anywhere');
  chmodSync(folder, 0o500);
  await t.rejects(open(), { name: 'DataError', message: /int8 weights cannot be kept here: .*EACCES/ });
  chmodSync(folder, 0o700);
});
