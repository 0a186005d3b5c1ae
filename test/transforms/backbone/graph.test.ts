import { join } from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { buildGraph } from '../../../transforms/backbone/graph.js';
import type { NeuronType } from '../../../transforms/backbone/types.js';
import { neuronTypes } from '../../../transforms/backbone/types.js';
import { allSame } from '../../fixtures/all-same.js';
import type { CheckpointOptions, Family } from '../../fixtures/checkpoint.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { needsRealData, realData } from '../../fixtures/paths.js';
import { compareWithReference, scaledError } from './compare.js';
import { referenceImpacts } from './reference.js';
import { type GraphResult, openGraph, randomDocuments, runGraph } from './run-graph.js';

const cases: readonly [name: string, family: Family, options: CheckpointOptions][] = [
  ['qwen3', 'qwen3', {}],
  ['qwen3 in bfloat16, over shards', 'qwen3', { dtype: 'BF16', shards: 3 }],
  ['qwen3 with attention biases', 'qwen3', { config: { attention_bias: true } }],
  ['llama', 'llama', {}],
  ['llama in float16', 'llama', { dtype: 'F16' }],
  ['smollm3', 'smollm3', {}],
  ['smollm3 with all biases', 'smollm3', { config: { attention_bias: true, mlp_bias: true } }],
];

const everyTop = new Map(neuronTypes.map((type) => [type, 7]));

for (const [name, family, options] of cases) {
  t.test(`${name}: every impact is that of a float64 forward pass`, async (t) => {
    const dir = t.testdir();
    await writeCheckpoint(dir, family, options);
    await compareWithReference(t, await openCheckpoint(dir));
  });
}

t.test('a trained model: every impact is that of a float64 forward pass', needsRealData, async (t) => {
  await compareWithReference(t, await openCheckpoint(join(realData, 'models', 'tinyllama-260k')));
});

t.test('the last layer ends with the last output wanted, and its value stays', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const checkpoint = await openCheckpoint(dir);
  const [doc = []] = randomDocuments([12], 320);
  const expected = referenceImpacts(checkpoint, doc);
  const unused = (types: readonly NeuronType[]) => {
    const request = { layers: 4, impacts: types, top: new Map(), maxLength: 8, operators: 'cpu' } as const;
    const text = Buffer.from(buildGraph(checkpoint, request).bytes).toString('latin1');
    return ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'up_proj', 'gate_proj', 'down_proj'].filter(
      (weight) => !new RegExp(`layers\\.3\\.[a-z_]+\\.${weight}`).test(text),
    );
  };
  t.same(unused(['fwd_down']), []);
  t.same(unused(['fwd_up']), ['gate_proj', 'down_proj']);
  t.same(unused(['att_o', 'att_v']), ['up_proj', 'gate_proj', 'down_proj']);
  t.same(unused(['att_q']), ['k_proj', 'v_proj', 'o_proj', 'up_proj', 'gate_proj', 'down_proj']);
  t.same(unused(['att_k', 'att_v']), ['q_proj', 'o_proj', 'up_proj', 'gate_proj', 'down_proj']);
  await allSame(t, 'scaled errors of the last layer', async (same) => {
    for (const type of neuronTypes) {
      const request = { layers: 4, impacts: [type], top: new Map(), operators: 'cpu' } as const;
      const result = await runGraph(checkpoint, request, [doc]);
      const error = scaledError(result.impacts(type, 0, 3), expected[3]?.[type] ?? []);
      same(error <= 1e-5 || error, true, `${type} alone`);
    }
  });
});

t.test('the first layers alone are the first layers of the whole', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'smollm3');
  const checkpoint = await openCheckpoint(dir);
  const docs = randomDocuments([12, 5], 320);
  const request = { impacts: neuronTypes, top: everyTop, operators: 'cpu' } as const;
  const whole = await runGraph(checkpoint, { ...request, layers: 4 }, docs);
  const first = await runGraph(checkpoint, { ...request, layers: 2 }, docs);
  for (const type of neuronTypes) t.same(first.impacts(type, 1, 1), whole.impacts(type, 1, 1), type);
});

t.test('padding changes no bit: a mixed batch gives what each document gives alone', async (t) => {
  const dir = t.testdir();
  const rows = (result: GraphResult, document: number) =>
    neuronTypes.flatMap((type) => [0, 1, 2, 3].flatMap((layer) => result.impacts(type, document, layer)));
  await allSame(t, 'impacts', async (same) => {
    for (const [family, operators, maxLength] of [
      ['qwen3', 'cpu', 128],
      ['llama', 'cpu', 256],
      ['smollm3', 'plain', 128],
    ] as const) {
      await writeCheckpoint(join(dir, family), family);
      const checkpoint = await openCheckpoint(join(dir, family));
      const docs = randomDocuments([33, 1, 7, 119, 2, 66, maxLength], 320);
      const request = { layers: 4, impacts: neuronTypes, top: everyTop, operators, maxLength };
      const graph = await openGraph(checkpoint, request);
      const threaded = await openGraph(checkpoint, request, 4);
      const together = await threaded.run(docs);
      await threaded.close();
      for (const [d, doc] of docs.entries())
        same(rows(together, d), rows(await graph.run([doc]), 0), `${family}, ${doc.length} tokens`);
      await graph.close();
    }
  });
});

t.test('each layer but the last is ordered after the impacts of the one before', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const checkpoint = await openCheckpoint(dir);
  const request = {
    layers: 4,
    impacts: ['fwd_up', 'att_o'],
    top: new Map(),
    maxLength: 8,
    operators: 'cpu',
  } as const;
  const text = Buffer.from(buildGraph(checkpoint, request).bytes).toString('latin1');
  // One Max guards the division by the tokens; the others join the number of documents with that of the impacts.
  t.equal(text.split('\x22\x03Max').length - 1, 1 + 3 * 2);
});
