import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Int32 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { writeModel } from '../../sinks/write-model.js';
import { openCheckpoint } from '../../transforms/backbone/checkpoint.js';
import { writeDeactivatedModel } from '../../transforms/backbone/deactivated-model.js';
import { modelFingerprint } from '../../transforms/backbone/fingerprint.js';
import type { Deactivation } from '../../transforms/backbone/types.js';
import { type CheckpointOptions, type Family, writeModelFolder } from '../fixtures/checkpoint.js';
import { zeroInPlace } from '../fixtures/deactivated.js';
import { memorySource, recordBatch, runStages } from '../fixtures/engine.js';

const keys: Deactivation = { 0: [79, 0], 3: [7, 8, 33] };

function source(own: Deactivation = keys, options = {}) {
  const rows = Object.entries(own).flatMap(([layer, neurons]) =>
    neurons.map((n) => [Number(layer), n] as const),
  );
  const columns = { layer: rows.map(([layer]) => layer), neuron: rows.map(([, neuron]) => neuron) };
  const batch = recordBatch({ layer: [new Int32(), columns.layer], neuron: [new Int32(), columns.neuron] });
  return memorySource([[batch]], options);
}

interface Folders {
  readonly dir: string;
  readonly model: string;
  readonly path: string;
}

async function folders(t: Test, family: Family = 'qwen3', options: CheckpointOptions = {}): Promise<Folders> {
  const dir = t.testdir();
  const model = join(dir, 'model');
  await writeModelFolder(model, family, options);
  return { dir, model, path: join(dir, 'deep', 'patched') };
}

/** Runs it, and gives the run's result and remarks. */
async function write({ dir, model, path }: Folders, from = source(), more = {}) {
  const notes: string[] = [];
  const options = { tempDir: dir, note: (text: string) => void notes.push(text) };
  const stages = [
    ['keys', from],
    ['out', writeModel, { model, path, ...more }],
  ] as const;
  return { ...(await runStages(stages, options)), notes };
}

/** Content of every file of a folder. */
const contents = (dir: string) =>
  new Map(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name)).toString('latin1')]));

const cases: readonly [name: string, family: Family, options: CheckpointOptions][] = [
  ['float32, one file', 'llama', {}],
  ['bfloat16, shards', 'qwen3', { dtype: 'BF16', shards: 5 }],
  ['float16', 'smollm3', { dtype: 'F16' }],
];

for (const [name, family, options] of cases) {
  t.test(`${name}: the model with zeros in those rows, and nothing else changed`, async (t) => {
    const own = await folders(t, family, options);
    const before = contents(own.model);
    const { files, stats, notes } = await write(own);
    t.strictSame(files, [own.path]);
    t.equal(stats.get('out')?.rowsOut, 5);
    t.strictSame(notes, []);
    t.strictSame(contents(own.model), before, 'the model itself is untouched');
    const found = contents(own.path);
    t.match(JSON.parse(found.get('nag-deactivated.json')!), { neurons: keys, model: basename(own.model) });
    found.delete('nag-deactivated.json');
    zeroInPlace(await openCheckpoint(own.model), keys);
    t.strictSame(found, contents(own.model));
    t.equal(
      await modelFingerprint(await openCheckpoint(own.path)),
      await modelFingerprint(await openCheckpoint(own.model)),
    );
    t.strictSame(readdirSync(join(own.dir, 'deep')), ['patched'], 'nothing is left beside');
  });
}

t.test('weight files without a change are linked, or copied on request; all else is copied', async (t) => {
  const own = await folders(t, 'qwen3', { shards: 3 });
  const linked = (path: string) =>
    readdirSync(own.model).filter(
      (name) => statSync(join(own.model, name)).ino === statSync(join(path, name)).ino,
    );
  const { tensors } = await openCheckpoint(own.model);
  const changed = [0, 3].map((layer) => tensors.get(`model.layers.${layer}.mlp.up_proj.weight`)?.file);
  const unchanged = readdirSync(own.model).filter(
    (name) => name.endsWith('.safetensors') && !changed.includes(join(own.model, name)),
  );
  t.ok(unchanged.length > 0);
  await write(own);
  t.strictSame(linked(own.path), unchanged);
  await write(own, source(), { link: false });
  t.strictSame(linked(own.path), []);
});

t.test('a folder of links, as in a cache, becomes one of files', async (t) => {
  const own = await folders(t, 'qwen3', { shards: 2 });
  const snapshot = join(own.dir, 'snapshot');
  mkdirSync(snapshot);
  for (const name of readdirSync(own.model)) symlinkSync(join('..', 'model', name), join(snapshot, name));
  await write({ ...own, model: snapshot }, source({ 0: [1] }));
  for (const name of readdirSync(own.path)) t.ok(statSync(join(own.path, name)).isFile(), name);
  t.strictSame(
    readdirSync(own.path).filter((name) => name !== 'nag-deactivated.json'),
    readdirSync(own.model),
  );
});

t.test('a body without the prefix `model.` works too', async (t) => {
  const own = await folders(t);
  const file = join(own.model, 'model.safetensors');
  // Six bytes shorter a name, made up for by spaces at the header's end.
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = bytes
    .toString('utf8', 8, 8 + length)
    .replaceAll('"model.', '"')
    .padEnd(length, ' ');
  bytes.write(header, 8);
  writeFileSync(file, bytes);
  await write(own);
  zeroInPlace(await openCheckpoint(own.model), keys);
  t.ok(readFileSync(join(own.path, 'model.safetensors')).equals(readFileSync(file)));
});

t.test('weights in other forms, folders and dead links stay behind, and that is said', async (t) => {
  const own = await folders(t);
  for (const name of [
    'pytorch_model.bin',
    'model-q8.gguf',
    'other.safetensors',
    'model.safetensors.index.json',
  ])
    writeFileSync(join(own.model, name), 'unchanged weights');
  for (const name of ['LICENSE', 'chat_template.jinja', '.gitattributes'])
    writeFileSync(join(own.model, name), name);
  mkdirSync(join(own.model, 'onnx'));
  symlinkSync('nowhere', join(own.model, 'dead.json'));
  const { notes } = await write(own);
  const left =
    'dead.json, model-q8.gguf, model.safetensors.index.json, onnx, other.safetensors, pytorch_model.bin';
  t.strictSame(notes, [`out: not copied from ${own.model}: ${left}`]);
  t.strictSame(readdirSync(own.path), [
    'LICENSE',
    'chat_template.jinja',
    'config.json',
    'model.safetensors',
    'nag-deactivated.json',
    'tokenizer.json',
  ]);
});

t.test('an earlier folder is replaced, one with anything else in it is not', async (t) => {
  const own = await folders(t);
  await write(own, source({ 0: [1] }));
  await write(own);
  t.match(JSON.parse(readFileSync(join(own.path, 'nag-deactivated.json'), 'utf8')), { neurons: keys });
  const itself = { name: 'ConfigError', message: /is read by stage "out", and would replace it/ };
  await t.rejects(write({ ...own, model: own.path }, source({ 1: [2] }), {}), itself);
  writeFileSync(join(own.path, 'results.txt'), 'years of work');
  const before = contents(own.path);
  const refused = {
    name: 'DataError',
    message: /patched: is a folder that holds other things.*"results\.txt"/,
  };
  await t.rejects(write(own), refused);
  t.strictSame(contents(own.path), before);
  await t.rejects(write({ ...own, path: own.model }), itself, 'the model itself');
  writeFileSync(join(own.path, 'nag-deactivated.json'), '{"files": ["results.txt", ');
  await t.rejects(write(own), { message: /holds other things/ }, 'a marker that is broken');
});

t.test('neurons that the model does not have, and a model that is none', async (t) => {
  const own = await folders(t);
  await t.rejects(write(own, source({ 0: [80] })), {
    name: 'DataError',
    message: /layer 0: neuron 80: the model has 80/,
  });
  await t.rejects(write(own, source({ 4: [0] })), {
    name: 'DataError',
    message: /layer 4: the model has 4 layers/,
  });
  await t.rejects(write({ ...own, model: own.dir }), {
    name: 'DataError',
    message: /config\.json: cannot be read/,
  });
  t.strictSame(readdirSync(join(own.dir, 'deep')), []);
});

t.test('no neurons: the model as it is', async (t) => {
  const own = await folders(t);
  await write(own, source({}));
  const found = contents(own.path);
  found.delete('nag-deactivated.json');
  t.strictSame(found, contents(own.model));
});

t.test('a failure in the middle, and an abort, leave nothing', async (t) => {
  const own = await folders(t);
  const error = new Error('broken');
  t.equal(
    await write(own, source(keys, { failAt: { batch: 0, error } })).catch((thrown: unknown) => thrown),
    error,
  );
  t.strictSame(readdirSync(own.dir), ['model']);
  const controller = new AbortController();
  const where = () => {
    controller.abort(error);
    return true;
  };
  const running = runStages(
    [
      ['keys', source(keys, { where })],
      ['out', writeModel, { model: own.model, path: own.path }],
    ],
    { tempDir: own.dir, signal: controller.signal },
  );
  await t.rejects(running);
  t.notOk(readdirSync(own.dir).includes('deep') && readdirSync(join(own.dir, 'deep')).length > 0);
});

t.test('copying stops with the reason of an abort', async (t) => {
  const own = await folders(t);
  const into = join(own.dir, 'into');
  mkdirSync(into);
  const signal = AbortSignal.abort(new Error('enough'));
  const options = { link: false, name: 'model', signal };
  await t.rejects(writeDeactivatedModel(await openCheckpoint(own.model), keys, into, options), /^enough$/);
});

t.test('rows that are stored once for two layers are not changed, an adapter is refused', async (t) => {
  const { model, ...others } = await folders(t);
  const [first, second] = [0, 3].map((layer) => `model.layers.${layer}.mlp.up_proj.weight`);
  const file = join(model, 'model.safetensors');
  const bytes = readFileSync(file);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, end));
  // The other one is still there, under a name that nobody asks for.
  const renamed = {
    ...header,
    __metadata__: { [second!]: first },
    unused: header[second!],
    [second!]: undefined,
  };
  const text = Buffer.from(JSON.stringify(renamed));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([length, text, bytes.subarray(end)]));
  await t.rejects(write({ model, ...others }), {
    name: 'DataError',
    message: `${file}: tensor "${first}" is stored once for "${second}" too, whose neurons would be switched off with it`,
  });
  await t.resolves(write({ model, ...others }, source({ 1: [3] })));
  writeFileSync(join(model, 'adapter_config.json'), '{"peft_type": "LORA"}');
  await t.rejects(write({ model, ...others }), { message: /this folder holds an adapter \(LORA\)/ });
});
