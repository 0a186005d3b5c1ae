import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '../../../transforms/backbone/no-telemetry.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { distinctKeys } from '../../../transforms/backbone/impacts.js';
import {
  addInput,
  addNodeTo,
  addOutput,
  createGraph,
  encodeModel,
  onnxType,
} from '../../../transforms/backbone/onnx.js';
import type { NeuronType } from '../../../transforms/backbone/types.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { randomDocuments, runGraph, sortedTop } from './run-graph.js';

const docs = randomDocuments([11, 3], 320);
const whole = (type: NeuronType, k: number) => ({ layers: 4, impacts: [type], top: new Map([[type, k]]) });

t.test('equal impacts come by lower index, zeros too, on every kind of operators', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const { offset } = (await openCheckpoint(dir)).tensors.get('model.layers.1.mlp.up_proj.weight')!;
  const file = join(dir, 'model.safetensors');
  const bytes = readFileSync(file);
  const row = (i: number) => offset + i * 48 * 4;
  // Row 40 again as rows 7 and 61; rows 10 to 29 zero.
  for (const copy of [7, 61]) bytes.copy(bytes, row(copy), row(40), row(41));
  bytes.fill(0, row(10), row(30));
  writeFileSync(file, bytes);
  const checkpoint = await openCheckpoint(dir);
  for (const operators of ['cpu', 'plain'] as const) {
    const result = await runGraph(checkpoint, { ...whole('fwd_up', 80), operators }, docs);
    for (const document of [0, 1]) {
      const impacts = result.impacts('fwd_up', document, 1);
      const top = result.top('fwd_up', document, 1);
      t.same(new Set([7, 40, 61].map((i) => impacts[i])).size, 1, 'three equal impacts');
      t.same(
        top.filter((i) => [7, 40, 61].includes(i)),
        [7, 40, 61],
      );
      t.same(
        top.slice(60),
        Array.from({ length: 20 }, (_, i) => 10 + i),
        'zeros are last, in order',
      );
      t.same(top, sortedTop(impacts, 80), operators);
    }
  }
});

t.test('keys and values count for each query head that uses them: every tie is one of many', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'llama', { config: { num_key_value_heads: 1 } });
  const checkpoint = await openCheckpoint(dir);
  for (const type of ['att_k', 'att_v'] as const) {
    for (const operators of ['cpu', 'plain'] as const) {
      const result = await runGraph(checkpoint, { ...whole(type, 10), operators }, docs);
      const impacts = result.impacts(type, 0, 2);
      t.equal(impacts.length, 48);
      t.same(impacts.slice(0, 12), impacts.slice(36), 'four heads of one key head');
      const [first = -1, ...rest] = result.top(type, 0, 2);
      t.same(rest.slice(0, 3), [first + 12, first + 24, first + 36], 'the largest, four times');
      t.same([first, ...rest], sortedTop(impacts, 10));
    }
  }
});

t.test('neighbouring float32 numbers are never taken for equal', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'llama', { config: { intermediate_size: 2000 } });
  const { offset } = (await openCheckpoint(dir)).tensors.get('model.layers.0.mlp.up_proj.weight')!;
  const file = join(dir, 'model.safetensors');
  const bytes = readFileSync(file);
  // Every row is the first one, times 1 + a few units of the last place.
  const factors = Array.from({ length: 2000 }, (_, i) => Math.fround(1 + ((i * 7) % 13) * 2 ** -23));
  for (let i = 1; i < 2000; i++) {
    for (let k = 0; k < 48; k++) {
      bytes.writeFloatLE(
        Math.fround(bytes.readFloatLE(offset + k * 4) * factors[i]!),
        offset + (i * 48 + k) * 4,
      );
    }
  }
  writeFileSync(file, bytes);
  const request = { ...whole('fwd_up', 2000), layers: 1, operators: 'plain' } as const;
  const result = await runGraph(await openCheckpoint(dir), request, docs);
  const impacts = result.impacts('fwd_up', 0, 0);
  const distinct = new Set(impacts).size;
  t.ok(distinct > 3 && distinct < 100, `${distinct} distinct impacts: many ties, and near ties`);
  t.same(result.top('fwd_up', 0, 0), sortedTop(impacts, 2000));
});

t.test('the keys of other devices have no ties, and the order of the impacts', async (t) => {
  const graph = createGraph();
  const width = 1 << 17;
  addInput(graph, 'impacts', onnxType.float, [width]);
  addNodeTo(graph, 'Identity', [distinctKeys(graph, 'impacts', width)], ['keys']);
  addOutput(graph, 'keys', onnxType.double, [width]);
  const session = await InferenceSession.create(encodeModel(graph));
  const one = 1 + 2 ** -23;
  // Ties, neighbours in both orders as far apart as can be, the smallest number, and many zeros.
  const impacts = new Float32Array(width);
  impacts.set([1, one, 1, 2 ** -149, 2 ** -149, 3]);
  impacts.set([3, one, 1], width - 3);
  const { keys } = await session.run({ impacts: new Tensor('float32', impacts, [width]) });
  const found = Array.from(keys?.data as Float64Array);
  await session.release();
  const order = sortedTop(Array.from(impacts), width);
  t.ok(
    order.every((index, rank) => rank === 0 || found[index]! < found[order[rank - 1]!]!),
    'every key is below the one before it',
  );
});

t.test('a k beyond the width gives the whole width', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'smollm3');
  const result = await runGraph(
    await openCheckpoint(dir),
    { ...whole('att_o', 1000), operators: 'cpu' },
    docs,
  );
  t.equal(result.top('att_o', 1, 3).length, 48);
});
