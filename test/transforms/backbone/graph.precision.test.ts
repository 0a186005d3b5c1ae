import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { buildGraph, type GraphRequest } from '../../../transforms/backbone/graph.js';
import { SessionThread } from '../../../transforms/backbone/session-thread.js';
import { padBatch } from '../../../transforms/backbone/token-batch.js';
import { type Checkpoint, neuronTypes } from '../../../transforms/backbone/types.js';
import { type CheckpointOptions, type Family, writeCheckpoint } from '../../fixtures/checkpoint.js';
import { scaledError } from './compare.js';
import { referenceImpacts } from './reference.js';
import { cpu, randomDocuments, runGraph } from './run-graph.js';

const cases: readonly [name: string, family: Family, options: CheckpointOptions][] = [
  ['qwen3 in bfloat16', 'qwen3', { dtype: 'BF16' }],
  ['llama', 'llama', {}],
  ['smollm3 with all biases', 'smollm3', { dtype: 'F16', config: { attention_bias: true, mlp_bias: true } }],
];

for (const [name, family, options] of cases) {
  // onnxruntime's CPU has no kernels for float16: it casts around each node, and rounds what lies between.
  t.test(`${name}: in float16 every impact is near that of a float64 forward pass`, async (t) => {
    const dir = t.testdir();
    await writeCheckpoint(dir, family, options);
    const checkpoint = await openCheckpoint(dir);
    const docs = randomDocuments([9, 1, 30, 2], 320);
    const request = { layers: 4, impacts: neuronTypes, top: new Map() } as const;
    const found = await runGraph(checkpoint, { ...request, operators: 'plain', precision: 'float16' }, docs);
    const errors = docs.flatMap((doc, d) =>
      referenceImpacts(checkpoint, doc).flatMap((expected, layer) =>
        neuronTypes.map((type) => scaledError(found.impacts(type, d, layer), expected[type])),
      ),
    );
    const worst = Math.max(...errors);
    t.ok(worst > 1e-5 && worst < 5e-3, `scaled error ${worst}: of float16, no less and no more`);
  });
}

t.test('neurons that are switched off', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const deactivate = { 1: [3, 70] };
  const found = await runGraph(
    await openCheckpoint(dir),
    { layers: 4, impacts: ['fwd_up'], top: new Map(), deactivate, operators: 'plain', precision: 'float16' },
    randomDocuments([9], 320),
  );
  const impacts = found.impacts('fwd_up', 0, 1);
  t.same(
    [...impacts.keys()].filter((neuron) => impacts[neuron] === 0),
    [3, 70],
  );
});

t.test('a number beyond the range of float16 anywhere makes the checks say so', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const checkpoint = await openCheckpoint(dir);
  t.same(await areFinite(checkpoint), [true, true]);
  enlarge(join(dir, 'model.safetensors'), checkpoint, 'model.layers.1.mlp.down_proj.weight');
  t.same(await areFinite(checkpoint), [false, false]);
});

t.test('bfloat16 is in the graph where matrices are multiplied, and only there', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'llama', { dtype: 'BF16' });
  const request = {
    layers: 4,
    impacts: ['fwd_up'],
    top: new Map(),
    maxLength: 8,
    operators: 'plain',
  } as const;
  const checkpoint = await openCheckpoint(dir);
  const casts = (precision: GraphRequest['precision']) =>
    Buffer.from(buildGraph(checkpoint, { ...request, precision }).bytes)
      .toString('latin1')
      .split('Cast').length;
  t.ok(casts('bfloat16') > 0 && casts('bfloat16') !== casts('float32'));
});

/** Whether the checks of two documents are finite. */
async function areFinite(checkpoint: Checkpoint): Promise<boolean[]> {
  const graph = buildGraph(checkpoint, {
    layers: 4,
    impacts: ['fwd_up'],
    top: new Map(),
    maxLength: 64,
    operators: 'plain',
    precision: 'float16',
  });
  const thread = await SessionThread.open({ ...graph, model: graph.bytes, device: cpu, threads: 1 });
  const documents = randomDocuments([9, 4], 320);
  const batch = { ids: Int32Array.from(documents.flat()), lengths: Int32Array.of(9, 4) };
  const padded = padBatch(batch, { vocabulary: 320, maxLength: 64 });
  const { checks } = await thread.run({ ...padded, outputs: ['checks'] });
  await thread.close();
  const each = graph.checks.length;
  return documents.map((_, i) =>
    Array.from(checks!.subarray(i * each, (i + 1) * each)).every(Number.isFinite),
  );
}

/** Makes a float32 weight a million times as large. */
function enlarge(file: string, checkpoint: Checkpoint, name: string): void {
  const bytes = readFileSync(file);
  const { offset, bytes: length } = checkpoint.tensors.get(name)!;
  for (let at = offset; at < offset + length; at += 4) bytes.writeFloatLE(bytes.readFloatLE(at) * 1e6, at);
  writeFileSync(file, bytes);
}
