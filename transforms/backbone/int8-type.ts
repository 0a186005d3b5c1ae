import { NagError } from '../../pipeline/errors.js';
import type { Int8Type } from './int8-weights.js';
import { int8Product } from './linear.js';
import {
  addConstant,
  addInput,
  addNode,
  addNodeTo,
  addOutput,
  createGraph,
  encodeModel,
  onnxType,
} from './onnx.js';
import { SessionThread } from './session-thread.js';

const [rows, inputs, outputs] = [16, 256, 64] as const;

/**
 * How weights have to be stored for this processor to multiply them exactly. Those with instructions for it (VNNI, ARM's
 * dot products) are fastest with int8; others sum int8 products in 16 bits, which overflow, and are exact with uint8.
 * @throws NagError where neither is exact
 */
export async function exactInt8Type(): Promise<Int8Type> {
  for (const type of ['int8', 'uint8'] as const) if (await isExact(type)) return type;
  throw new NagError('this processor does not multiply integers exactly: use precision: float32');
}

/** Multiplies matrices of the largest values, by which sums are largest. */
async function isExact(type: Int8Type): Promise<boolean> {
  const graph = createGraph();
  addInput(graph, 'ids', onnxType.int32, ['documents', 'length']);
  addInput(graph, 'lengths', onnxType.int32, ['documents']);
  const largest = new Uint8Array(inputs * outputs).fill(type === 'int8' ? 127 : 255);
  const weights = addConstant(graph, 'weights', onnxType[type], [inputs, outputs], largest);
  const scales = addConstant(graph, 'scales', onnxType.float, [outputs], new Float32Array(outputs).fill(1));
  const unsigned = addNode(graph, 'Cast', ['ids'], { to: onnxType.uint8 });
  addNodeTo(graph, 'Identity', [int8Product(graph, unsigned, weights, scales, type)], ['product']);
  addOutput(graph, 'product', onnxType.float, ['documents', outputs]);
  const setup = {
    model: encodeModel(graph),
    folder: '.',
    device: { provider: 'cpu', index: 0 },
    threads: 1,
  } as const;
  const thread = await SessionThread.open(setup);
  try {
    const ids = new Int32Array(rows * inputs).fill(255);
    const lengths = new Int32Array(rows);
    const { product } = await thread.run({
      ids,
      lengths,
      documents: rows,
      length: inputs,
      outputs: ['product'],
    });
    return product?.every((value) => value === inputs * 127 * 127) === true;
  } finally {
    await thread.close();
  }
}
