import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { neuronTypes } from '../../../transforms/backbone/types.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { randomDocuments, runGraph } from './run-graph.js';

const indexName = 'model.safetensors.index.json';
const upName = 'model.layers.1.mlp.up_proj.weight';

t.test('a single file', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3', { dtype: 'BF16' });
  const checkpoint = await openCheckpoint(dir);
  t.equal(checkpoint.dir, dir);
  t.equal(checkpoint.architecture.family, 'qwen3');
  t.match(checkpoint.tensors.get(upName), {
    name: upName,
    dtype: 'BF16',
    shape: [80, 48],
    bytes: 80 * 48 * 2,
  });
});

t.test('shards of one layer, behind symbolic links as in the cache of HuggingFace', async (t) => {
  const root = t.testdir({ blobs: {}, snapshots: {} });
  const plain = join(root, 'plain');
  await writeCheckpoint(plain, 'smollm3', { shards: 3 });
  const linked = join(root, 'snapshots', 'main');
  mkdirSync(linked);
  const names = ['config.json', indexName, ...[1, 2, 3].map((n) => `model-0000${n}-of-00003.safetensors`)];
  for (const [i, name] of names.entries()) {
    writeFileSync(join(root, 'blobs', `blob${i}`), readFileSync(join(plain, name)));
    symlinkSync(join('..', '..', 'blobs', `blob${i}`), join(linked, name));
  }
  const request = { layers: 4, impacts: neuronTypes, top: new Map(), operators: 'cpu' } as const;
  const docs = randomDocuments([6], 320);
  const expected = await runGraph(await openCheckpoint(plain), request, docs);
  const found = await runGraph(await openCheckpoint(linked), request, docs);
  for (const type of neuronTypes) t.same(found.impacts(type, 0, 3), expected.impacts(type, 0, 3), type);
});

t.test('a bare body, whose tensors have no "model." in front', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'llama');
  rewriteHeader(join(dir, 'model.safetensors'), (text) => text.replaceAll('"model.', '"'));
  const checkpoint = await openCheckpoint(dir);
  t.match(checkpoint.tensors.get(upName), { name: upName, shape: [80, 48] });
});

t.test('a single file wins over an index', async (t) => {
  const dir = t.testdir({ [indexName]: 'not looked at' });
  await writeCheckpoint(dir, 'llama');
  await t.resolves(openCheckpoint(dir));
});

t.test('tensors of other types are no matter where nobody needs them', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'llama');
  const file = join(dir, 'model.safetensors');
  rewriteHeader(file, (text) =>
    text.replace(/("model\.norm\.weight":\{"dtype":)"F32","shape":\[48\]/, '$1"I64","shape":[24]'),
  );
  const checkpoint = await openCheckpoint(dir);
  t.notOk(checkpoint.tensors.has('model.norm.weight'));
});

t.test('wrong folders are refused, with what is missing', async (t) => {
  const dir = t.testdir();
  await t.rejects(openCheckpoint(join(dir, 'none')), {
    name: 'DataError',
    message: /config\.json: cannot be read; expected a HuggingFace model folder/,
  });
  writeFileSync(join(dir, 'config.json'), '{');
  await t.rejects(openCheckpoint(dir), { name: 'DataError', message: /config\.json: not valid JSON/ });
  writeFileSync(join(dir, 'config.json'), '{"model_type": "gpt2"}');
  await t.rejects(openCheckpoint(dir), /config\.json: "model_type": "gpt2" is not supported/);
  writeFileSync(join(dir, 'config.json'), '{"model_type": "llama"}');
  await t.rejects(openCheckpoint(dir), {
    name: 'DataError',
    message: /no weights: expected model\.safetensors/,
  });
});

t.test('wrong tensors are refused, with the file and both shapes', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const file = join(dir, 'model.safetensors');
  const original = readFileSync(file);
  const cases: readonly [change: (text: string) => string, message: RegExp][] = [
    [
      (text) => text.replace(`"${upName}"`, `"${upName.replace('up', 'Up')}"`),
      /tensor "model\.layers\.1\.mlp\.up_proj\.weight" of shape \[80, 48\] is missing/,
    ],
    [
      (text) =>
        text.replace(
          `${upName}":{"dtype":"F32","shape":[80,48]`,
          `${upName}":{"dtype":"F32","shape":[48,80]`,
        ),
      /up_proj\.weight": config\.json asks for shape \[80, 48\], found \[48, 80\]/,
    ],
    [
      (text) => text.replace(`${upName}":{"dtype":"F32"`, `${upName}":{"dtype":"I32"`),
      /up_proj\.weight": expected dtype F32, F16, BF16, found I32/,
    ],
  ];
  for (const [change, message] of cases) {
    writeFileSync(file, original);
    rewriteHeader(file, change);
    await t.rejects(openCheckpoint(dir), { name: 'DataError', message, place: { file } });
  }
  writeFileSync(file, original);
  truncateSync(file, original.length - 10);
  await t.rejects(openCheckpoint(dir), {
    message: new RegExp(`truncated: .* ${original.length} bytes, but the file has ${original.length - 10};`),
  });
});

t.test('an index that is wrong, or that leads elsewhere, is refused', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'llama', { shards: 2 });
  const index = join(dir, indexName);
  const original = readFileSync(index, 'utf8');
  const shard = 'model-00001-of-00002.safetensors';
  for (const trick of [
    `../${shard}`,
    `/etc/${shard}`,
    `sub/${shard}`,
    `..\\\\${shard}`,
    `C:${shard}`,
    '..',
    '',
    'weights.bin',
  ]) {
    writeFileSync(index, original.replace(shard, trick));
    const message = /"weight_map": tensor ".*": expected the plain name of a \.safetensors file/;
    await t.rejects(openCheckpoint(dir), { name: 'DataError', message, place: { file: index } }, trick);
  }
  writeFileSync(index, original.replace(`"${shard}"`, '7'));
  await t.rejects(
    openCheckpoint(dir),
    /expected the plain name of a \.safetensors file beside the index, found 7/,
  );
  writeFileSync(index, '{}');
  await t.rejects(openCheckpoint(dir), {
    message: /expected an object "weight_map"/,
    place: { file: index },
  });
  writeFileSync(index, original.replace(shard, 'model-00002-of-00002.safetensors'));
  await t.rejects(
    openCheckpoint(dir),
    /tensor ".*" is missing, though model\.safetensors\.index\.json says that it is here/,
  );
  writeFileSync(index, JSON.stringify({ weight_map: dropKey(JSON.parse(original).weight_map, upName) }));
  await t.rejects(openCheckpoint(dir), {
    message: /up_proj\.weight" of shape \[80, 48\] is missing/,
    place: { file: index },
  });
  writeFileSync(index, original);
  renameSync(join(dir, shard), join(dir, 'elsewhere'));
  await t.rejects(openCheckpoint(dir), { message: /cannot be opened/, place: { file: join(dir, shard) } });
  rmSync(index);
  symlinkSync(index, index);
  await t.rejects(
    openCheckpoint(dir),
    { message: /cannot be read/, place: { file: index } },
    'a link to itself',
  );
});

/** Changes a header's text; offsets of the data stay as they are, since they count from its end. */
function rewriteHeader(file: string, change: (text: string) => string): void {
  const bytes = readFileSync(file);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const before = bytes.subarray(8, end).toString('utf8');
  const text = Buffer.from(change(before));
  if (text.toString('utf8') === before) throw new Error('the change did not change the header');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([length, text, bytes.subarray(end)]));
}

function dropKey(map: Record<string, string>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(map).filter(([name]) => name !== key));
}
