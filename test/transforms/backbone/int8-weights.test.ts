import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { exactInt8Type } from '../../../transforms/backbone/int8-type.js';
import { readInt8Weights, writeInt8Weights } from '../../../transforms/backbone/int8-weights.js';
import { openSession } from '../../../transforms/backbone/session.js';
import { type NeuronType, neuronTypes } from '../../../transforms/backbone/types.js';
import type { CheckpointOptions, Family } from '../../fixtures/checkpoint.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { scaledError } from './compare.js';
import { referenceImpacts } from './reference.js';
import { randomDocuments } from './run-graph.js';

const type = await exactInt8Type();

async function model(dir: string, family: Family, options: CheckpointOptions = {}) {
  await writeCheckpoint(join(dir, 'model'), family, options);
  mkdirSync(join(dir, 'cache'), { recursive: true });
  const checkpoint = await openCheckpoint(join(dir, 'model'));
  const int8 = join(dir, 'cache', 'int8.safetensors');
  await writeInt8Weights(checkpoint, int8, type);
  const all = { model: join(dir, 'model'), neurons: neuronTypes, impacts: neuronTypes, maxLength: 64 };
  return { checkpoint, int8, options: { ...all, device: 'cpu', threads: 1 } };
}

/** Integers from −127 to 127 times a scale, as numbers again: by hand, in float64. */
function quantized(values: Float64Array): Float64Array {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return values.map((value) => (Math.round((127 * value) / largest) * largest) / 127);
}

const cases: readonly [name: string, family: Family, options: CheckpointOptions][] = [
  ['float32', 'qwen3', {}],
  ['bfloat16 in shards', 'qwen3', { dtype: 'BF16', shards: 3 }],
  ['float16 with biases', 'llama', { dtype: 'F16', config: { attention_bias: true, mlp_bias: true } }],
  ['odd widths', 'smollm3', { config: { intermediate_size: 77, hidden_size: 47 } }],
];

for (const [name, family, settings] of cases)
  t.test(`${name}: impacts are those of a float64 forward pass with rounded factors`, async (t) => {
    const { checkpoint, int8, options } = await model(t.testdir({}), family, settings);
    const session = await openSession({ ...options, int8 });
    t.teardown(() => session.close());
    const documents = randomDocuments([9, 1, 30, 2], checkpoint.architecture.vocabulary);
    const result = await session.run({
      ids: Int32Array.from(documents.flat()),
      lengths: Int32Array.from(documents, (document) => document.length),
    });
    const errors: number[] = [];
    const exact: number[] = [];
    for (const [d, document] of documents.entries()) {
      const expected = referenceImpacts(checkpoint, document, quantized);
      const plain = referenceImpacts(checkpoint, document);
      for (const [layer, impacts] of expected.entries())
        for (const neurons of neuronTypes) {
          const found = rowOf(result.impacts[neurons]!, d * session.layers + layer, session.width(neurons));
          errors.push(scaledError(found, impacts[neurons]));
          exact.push(scaledError(found, plain[layer]![neurons as NeuronType]));
        }
    }
    // A value in the middle between two integers may be rounded the other way in float32: rarely, and then one is.
    const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
    t.ok(middle(errors) < 1e-5, `median ${middle(errors)}`);
    t.ok(errors.at(-1)! < 0.05, `worst ${errors.at(-1)}`);
    t.ok(middle(exact) > 1e-3, 'and not those of the exact factors');
  });

function rowOf(values: Float32Array, row: number, width: number): number[] {
  return Array.from(values.subarray(row * width, (row + 1) * width));
}

t.test('neither neighbours nor padding nor the number of threads change a bit', async (t) => {
  const { int8, options } = await model(t.testdir({}), 'qwen3', { dtype: 'BF16' });
  const documents = randomDocuments([40, 3, 64, 1, 17], 320);
  const alone = await openSession({ ...options, int8 });
  const together = await openSession({ ...options, int8, threads: 2 });
  t.teardown(() => Promise.all([alone.close(), together.close()]));
  const all = await together.run({
    ids: Int32Array.from(documents.flat()),
    lengths: Int32Array.from(documents, (document) => document.length),
  });
  for (const neurons of neuronTypes) {
    const found: number[] = [];
    for (const document of documents) {
      const one = await alone.run({
        ids: Int32Array.from(document),
        lengths: Int32Array.of(document.length),
      });
      found.push(...one.impacts[neurons]!);
    }
    t.strictSame(found, [...all.impacts[neurons]!], neurons);
  }
});

t.test('deactivated neurons give nothing', async (t) => {
  const { int8, options } = await model(t.testdir({}), 'qwen3');
  const session = await openSession({ ...options, int8, deactivate: { 0: [3, 79] } });
  t.teardown(() => session.close());
  const { impacts } = await session.run({ ids: Int32Array.of(1, 2), lengths: Int32Array.of(2) });
  const zeros = [...impacts.fwd_up!.subarray(0, 80).keys()].filter((i) => impacts.fwd_up![i] === 0);
  t.strictSame(zeros, [3, 79]);
});

t.test('files of other models, and other devices, are refused', async (t) => {
  const dir = t.testdir({});
  const { int8, options } = await model(dir, 'qwen3');
  const other = await model(join(dir, 'other'), 'llama');
  await t.rejects(openSession({ ...other.options, int8 }), {
    name: 'DataError',
    place: { file: int8 },
    message: /tensor ".*": expected .* found/,
  });
  await t.rejects(readInt8Weights(join(options.model, 'model.safetensors'), other.checkpoint.architecture), {
    name: 'DataError',
    message: /found nothing/,
  });
  await t.rejects(writeInt8Weights(other.checkpoint, other.int8, type), { code: 'EEXIST' });
});
