import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { modelFingerprint } from '../../../transforms/backbone/fingerprint.js';
import type { CheckpointOptions } from '../../fixtures/checkpoint.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';

async function fingerprintOf(dir: string, options: CheckpointOptions = {}): Promise<string> {
  await writeCheckpoint(dir, 'qwen3', options);
  return modelFingerprint(await openCheckpoint(dir));
}

t.test('it does not depend on what features do not depend on', async (t) => {
  const root = t.testdir();
  const expected = await fingerprintOf(join(root, 'plain'));
  t.match(expected, /^[0-9a-f]{64}$/);
  t.equal(await fingerprintOf(join(root, 'again')), expected);
  t.equal(await fingerprintOf(join(root, 'shards'), { shards: 5 }), expected, 'shards');
  t.equal(await fingerprintOf(join(root, 'head'), { tied: false }), expected, 'a head of its own');
  const other = {
    max_position_embeddings: 4096,
    use_cache: false,
    rope_theta: null,
    rope_parameters: { rope_theta: 1e6 },
  };
  t.equal(await fingerprintOf(join(root, 'config'), { config: other }), expected, 'other words for the same');
  const dir = join(root, 'norm');
  await writeCheckpoint(dir, 'qwen3');
  flipByte(dir, (await openCheckpoint(dir)).tensors.get('model.norm.weight')?.offset);
  t.equal(await modelFingerprint(await openCheckpoint(dir)), expected, 'the final norm');
});

t.test('it changes with whatever features depend on', async (t) => {
  const root = t.testdir();
  const seen = new Set<string>();
  const variants: readonly CheckpointOptions[] = [
    {},
    { seed: 2 },
    { dtype: 'BF16' },
    { config: { rope_theta: 1e5 } },
    { config: { rms_norm_eps: 1e-5 } },
    { config: { attention_bias: true } },
    { config: { num_hidden_layers: 3 } },
  ];
  for (const [i, options] of variants.entries()) seen.add(await fingerprintOf(join(root, `${i}`), options));
  for (const [i, end] of ([false, true] as const).entries()) {
    const dir = join(root, `byte${i}`);
    await writeCheckpoint(dir, 'qwen3');
    const tensor = (await openCheckpoint(dir)).tensors.get('model.layers.3.mlp.down_proj.weight');
    flipByte(dir, end ? tensor!.offset + tensor!.bytes - 1 : tensor!.offset);
    seen.add(await modelFingerprint(await openCheckpoint(dir)));
  }
  t.equal(seen.size, variants.length + 2);
});

t.test('the same bytes of another type are another model', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3', { dtype: 'F16' });
  const checkpoint = await openCheckpoint(dir);
  const tensors = new Map(
    [...checkpoint.tensors].map(([name, tensor]) => [name, { ...tensor, dtype: 'BF16' as const }]),
  );
  t.not(await modelFingerprint({ ...checkpoint, tensors }), await modelFingerprint(checkpoint));
});

t.test('tensors longer than a chunk are read whole', async (t) => {
  const root = t.testdir();
  const config = { num_hidden_layers: 1, vocab_size: 25_000 };
  const expected = await fingerprintOf(root, { config });
  const embedding = (await openCheckpoint(root)).tensors.get('model.embed_tokens.weight');
  t.ok(embedding!.bytes > 4 << 20, 'the embedding is longer than a chunk');
  flipByte(root, embedding!.offset + embedding!.bytes - 1);
  t.not(await modelFingerprint(await openCheckpoint(root)), expected);
});

t.test('it stops when it is told to, and says where a file ends early', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const checkpoint = await openCheckpoint(dir);
  await t.rejects(modelFingerprint(checkpoint, AbortSignal.abort(new Error('enough'))), /enough/);
  truncateSync(join(dir, 'model.safetensors'), 100_000);
  await t.rejects(modelFingerprint(checkpoint), {
    name: 'DataError',
    message: /ended inside tensor "model\./,
  });
});

function flipByte(dir: string, offset: number | undefined): void {
  const file = join(dir, 'model.safetensors');
  const bytes = readFileSync(file);
  if (offset === undefined) throw new Error('no such tensor');
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
