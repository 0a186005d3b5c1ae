import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openSession, type SessionOptions } from '../../../transforms/backbone/session.js';
import { type NeuronType, neuronTypes } from '../../../transforms/backbone/types.js';
import { type CheckpointOptions, type Family, writeCheckpoint } from '../../fixtures/checkpoint.js';
import { overwrite } from '../../fixtures/damage.js';

const embedding = 'model.embed_tokens.weight';
const inLayer = (layer: number, name: string) => `model.layers.${layer}.${name}.weight`;

/** Document 0 never has the ids of document 1, and is the shorter one: it is padded. */
const batch = { ids: Int32Array.of(5, 6, 7, 8, 9, 10), lengths: Int32Array.of(2, 4) };

interface Damage {
  readonly tensor: string;
  readonly value: number;
  readonly row?: number;
}

interface Model extends CheckpointOptions {
  readonly family?: Family;
}

/** What a run of a damaged model ends with: its error, less the folder, or how many top indices it gives. */
async function outcome(
  t: Test,
  { tensor, value, row }: Damage,
  { family = 'qwen3', ...model }: Model = {},
  options: Partial<SessionOptions> = {},
): Promise<string | number | undefined> {
  const dir = join(t.testdir(), 'model');
  await writeCheckpoint(dir, family, { ...model, config: { num_hidden_layers: 3, ...model.config } });
  await overwrite(dir, tensor, value, row);
  const neurons: readonly NeuronType[] = ['fwd_up'];
  const asked = { neurons, top: { fwd_up: 5 }, maxLength: 8, device: 'cpu', threads: 1, ...options };
  const session = await openSession({ model: dir, ...asked });
  try {
    const { top, impacts } = await session.run(batch);
    return Object.values(top)[0]?.length ?? Object.values(impacts)[0]?.length;
  } catch (error) {
    return (error as Error).message.replaceAll(dir, 'DIR');
  } finally {
    await session.close();
  }
}

function damaged(document: number, layer: number, { tensor, value, row = 0 }: Damage): string {
  const shown = Number.isNaN(value) ? 'NaN' : 'infinity';
  return (
    `document ${document} of a batch: DIR: the model's numbers are not finite by layer ${layer}: its weights are damaged, ` +
    `tensor "${tensor}" of DIR/model.safetensors holds ${shown} in row ${row}; ` +
    'fetch the checkpoint again, or convert or merge it again from its source'
  );
}

const damages: readonly [name: string, Damage, document: number, layer: number][] = [
  ['all embeddings', { tensor: embedding, value: Number.NaN }, 0, 0],
  ['the embedding of one token', { tensor: embedding, value: Number.NaN, row: 9 }, 1, 0],
  ['one neuron', { tensor: inLayer(1, 'mlp.up_proj'), value: Number.NaN, row: 5 }, 0, 1],
  ['one neuron of the last layer', { tensor: inLayer(2, 'mlp.up_proj'), value: Number.NaN, row: 79 }, 0, 2],
  ['an infinite neuron', { tensor: inLayer(1, 'mlp.up_proj'), value: -Infinity, row: 5 }, 0, 1],
  ['a gate', { tensor: inLayer(0, 'mlp.gate_proj'), value: Infinity, row: 3 }, 0, 1],
  ['queries', { tensor: inLayer(1, 'self_attn.q_proj'), value: Number.NaN, row: 2 }, 0, 1],
  ['keys of the last layer', { tensor: inLayer(2, 'self_attn.k_proj'), value: Number.NaN, row: 2 }, 0, 2],
  ['values', { tensor: inLayer(0, 'self_attn.v_proj'), value: Infinity, row: 1 }, 0, 0],
  ['a norm', { tensor: inLayer(2, 'post_attention_layernorm'), value: Number.NaN }, 0, 2],
  ['a norm of heads', { tensor: inLayer(1, 'self_attn.q_norm'), value: Number.NaN }, 0, 1],
];

for (const [name, damage, document, layer] of damages)
  t.test(`${name} not finite: the tensor, the layer and the document are named`, async (t) => {
    t.equal(await outcome(t, damage), damaged(document, layer, damage));
  });

t.test('impacts that leave the model whole, and other types', async (t) => {
  const damage = { tensor: inLayer(2, 'self_attn.o_proj'), value: Number.NaN, row: 7 };
  t.equal(
    await outcome(t, damage, {}, { top: {}, impacts: ['fwd_up'] }),
    damaged(0, 2, damage),
    'all impacts',
  );
  t.equal(
    await outcome(t, damage, {}, { neurons: neuronTypes, top: { att_o: 3, att_q: 3 } }),
    damaged(0, 2, damage),
    'several types',
  );
});

const overflows: readonly [name: string, Damage, Model?][] = [
  ['up_proj', { tensor: inLayer(1, 'mlp.up_proj'), value: 1.7e38 }],
  ['embeddings, which norms make zero', { tensor: embedding, value: 1.7e38 }],
  ['queries, which norms of heads make zero', { tensor: inLayer(2, 'self_attn.q_proj'), value: 1e25 }],
  ['keys, which norms of heads make zero', { tensor: inLayer(0, 'self_attn.k_proj'), value: 1e25 }],
  ['keys without norms', { tensor: inLayer(0, 'self_attn.k_proj'), value: 1e38 }, { family: 'llama' }],
  ['down_proj, seen by the next layer', { tensor: inLayer(1, 'mlp.down_proj'), value: 1e30 }],
];

for (const [name, damage, model] of overflows)
  t.test(`weights that overflow float32 in ${name}`, async (t) => {
    const message = String(await outcome(t, damage, model));
    t.match(
      message,
      /^document 0 of a batch: DIR: the model's numbers are beyond the range of float32 by layer \d: /,
    );
    t.ok(message.includes(`in row 0 of tensor "${damage.tensor}"`), message);
  });

t.test('what no output depends on may be damaged', async (t) => {
  const unused = [
    { tensor: 'model.norm.weight', value: Number.NaN },
    { tensor: inLayer(2, 'mlp.down_proj'), value: Number.NaN },
    { tensor: inLayer(2, 'mlp.gate_proj'), value: Infinity },
    { tensor: embedding, value: Number.NaN, row: 0 },
    { tensor: embedding, value: Infinity, row: 300 },
  ];
  const found = [];
  for (const damage of unused) found.push(await outcome(t, damage));
  t.strictSame(found, [30, 30, 30, 30, 30]);
});

t.test('a neuron that is switched off may be damaged: its weights count as zero', async (t) => {
  const damage = { tensor: inLayer(1, 'mlp.up_proj'), value: Number.NaN, row: 5 };
  t.equal(await outcome(t, damage, {}, { deactivate: { 1: [5] } }), 30);
  t.equal(await outcome(t, damage, {}, { deactivate: { 1: [6], 2: [5] } }), damaged(0, 1, damage));
});

t.test('probabilities too', async (t) => {
  const head = { neurons: [], top: {}, logProbabilities: true };
  const damage = { tensor: inLayer(0, 'mlp.down_proj'), value: Number.NaN };
  t.equal(await outcome(t, damage, {}, head), damaged(0, 1, damage));
  t.match(
    await outcome(t, { tensor: embedding, value: 1e30 }, {}, head),
    /beyond the range of float32 by layer \d: its weights are damaged; the largest weight is 1\.0e\+30/,
  );
});
