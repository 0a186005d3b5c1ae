import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '../../../transforms/backbone/no-telemetry.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import t from 'tap';
import type { Graph } from '../../../transforms/backbone/onnx.js';
import {
  addConstant,
  addExternal,
  addInput,
  addNode,
  addNodeTo,
  addOutput,
  createGraph,
  encodeModel,
  floatScalar,
  int64s,
  nextName,
  onnxType,
} from '../../../transforms/backbone/onnx.js';

t.test('onnxruntime computes what the nodes, constants and attributes say', async (t) => {
  const graph = createGraph();
  addInput(graph, 'x', onnxType.float, ['rows', 2]);
  const weights = addConstant(graph, 'w', onnxType.float, [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  const product = addNode(graph, 'Gemm', ['x', weights], { transB: 1, alpha: { float: 0.5 } });
  const turned = addNode(graph, 'Transpose', [product], { perm: [1, 0] });
  const shifted = addNode(graph, 'Add', [turned, floatScalar(graph, 0.25)]);
  addNodeTo(graph, 'Identity', [shifted], ['y']);
  addOutput(graph, 'y', onnxType.float, [3, 'rows']);
  const x = new Tensor('float32', [1, 1, 0, -2], [2, 2]);
  const { y } = await run(graph, { x });
  t.same(y?.dims, [3, 2]);
  t.same(Array.from(y?.data as Float32Array), [1.75, -1.75, 3.75, -3.75, 5.75, -5.75]);
});

t.test('several outputs, a negative attribute, an operator of onnxruntime', async (t) => {
  const graph = createGraph();
  addInput(graph, 'x', onnxType.float, [4]);
  const [first, second] = [nextName(graph, 'first'), nextName(graph, 'second')];
  addNodeTo(graph, 'Split', ['x'], [first, second], { axis: -1, num_outputs: 2 });
  addNodeTo(graph, 'TopK', [second, int64s(graph, [1])], ['value', 'index'], { largest: 0 });
  const sigmoid = addNode(graph, 'com.microsoft:QuickGelu', [first], { alpha: { float: 0 } });
  addNodeTo(graph, 'Identity', [sigmoid], ['half']);
  addOutput(graph, 'index', onnxType.int64, [1]);
  addOutput(graph, 'half', onnxType.float, [2]);
  const { index, half } = await run(graph, { x: new Tensor('float32', [2, 4, 9, 8], [4]) });
  t.same(Array.from(index?.data as BigInt64Array), [1n]);
  t.same(Array.from(half?.data as Float32Array), [1, 2], 'x · sigmoid(0 · x)');
});

t.test('external data is read at its offset, also an odd one', async (t) => {
  const folder = t.testdir();
  const bytes = Buffer.alloc(3 + 8);
  bytes.writeFloatLE(1.5, 3);
  bytes.writeFloatLE(-2.5, 7);
  writeFileSync(join(folder, 'weights ü.bin'), bytes);
  const graph = createGraph();
  const data = { location: 'weights ü.bin', offset: 3, bytes: 8 };
  addInput(graph, 'x', onnxType.float, [2]);
  const weights = addExternal(graph, 'w', onnxType.float, [2], data);
  addNodeTo(graph, 'Add', ['x', weights], ['y']);
  addOutput(graph, 'y', onnxType.float, [2]);
  const { y } = await run(graph, { x: new Tensor('float32', [1, 1], [2]) }, folder);
  t.same(Array.from(y?.data as Float32Array), [2.5, -1.5]);
});

t.test('the same constant twice is one constant', async (t) => {
  const graph = createGraph();
  t.equal(int64s(graph, [1, -1]), int64s(graph, [1, -1]));
  t.not(int64s(graph, [1, -1]), int64s(graph, [1]));
  t.equal(graph.initializers.size, 2);
  const first = addNode(graph, 'Neg', ['x']);
  t.not(addNode(graph, 'Neg', ['x']), first, 'but nodes are never merged');
});

async function run(graph: Graph, feeds: Record<string, Tensor>, folder = '.') {
  const session = await InferenceSession.create(encodeModel(graph), {
    extra: { session: { model_external_initializers_file_folder_path: folder } },
  });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}
