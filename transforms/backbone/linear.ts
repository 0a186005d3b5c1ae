import { type Build, once, weight } from './blocks.js';
import { type Int8Type, type Int8Weights, requireInt8 } from './int8-weights.js';
import { addConstant, addExternal, addNode, floatScalar, type Graph, int64s, onnxType } from './onnx.js';

/** `x · Wᵀ + b`, with W as HuggingFace stores it: [outputs, inputs]. x and what comes out are narrow: see `narrow`. */
export function linear(build: Build, x: string, name: string, bias: boolean): string {
  if (build.int8) return int8Linear(build, build.int8, x, name, bias);
  const inputs = [x, weight(build, `${name}.weight`, build.precision)];
  if (bias) inputs.push(weight(build, `${name}.bias`, build.precision));
  return addNode(build.graph, 'Gemm', inputs, { transB: 1 });
}

/** Below every scale that matters: rows of zeros are divided by it. */
const smallestScale = 1e-30;

/**
 * `s[row] · (Q · V)[row, output] · v[output] + b`: Q the rows of x as integers, V the weights, `s` and `v` their scales.
 * Integers are summed exactly, and a row's scale is its own: what a token gives depends on no other token.
 */
function int8Linear(build: Build, int8: Int8Weights, x: string, name: string, bias: boolean): string {
  const { graph } = build;
  const stored = requireInt8(int8, `${name}.weight`);
  const location = build.locations.get(int8.realFile) ?? '';
  const shape = [stored.inputs, stored.outputs];
  const type = onnxType[int8.type];
  const values = addExternal(graph, `${name}.int8`, type, shape, { location, ...stored.values });
  const scales = addExternal(graph, `${name}.scales`, onnxType.float, [stored.outputs], {
    location,
    ...stored.scales,
  });
  const product = int8Product(graph, int8Rows(build, x), values, scales, int8.type);
  const byRow = addNode(graph, 'Unsqueeze', [rowScales(build, x), int64s(graph, [1])]);
  const scaled = addNode(graph, 'Mul', [product, byRow]);
  return bias ? addNode(graph, 'Add', [scaled, weight(build, `${name}.bias`)]) : scaled;
}

/** `(Q − 128) · V · v` of unsigned rows [rows, inputs] and weights [inputs, outputs] with their scales, float32. */
export function int8Product(
  graph: Graph,
  rows: string,
  weights: string,
  scales: string,
  type: Int8Type,
): string {
  const middle = addConstant(graph, 'uint8_128', onnxType.uint8, [], Uint8Array.of(128));
  const inputs = [
    rows,
    weights,
    floatScalar(graph, 1),
    scales,
    middle,
    ...(type === 'uint8' ? [middle] : []),
  ];
  return addNode(graph, 'com.microsoft:MatMulIntegerToFloat', inputs);
}

/** Each row of x divided by its scale, rounded to −127 … 127, and 128 added: unsigned is what all CPUs are fast with. */
function int8Rows(build: Build, x: string): string {
  const { graph } = build;
  return once(build, `int8 rows of ${x}`, () => {
    const scales = rowScales(build, x);
    const middle = addConstant(graph, 'uint8_128_each', onnxType.uint8, [1], Uint8Array.of(128));
    const middles = addNode(graph, 'Expand', [middle, addNode(graph, 'Shape', [scales])]);
    return addNode(graph, 'QuantizeLinear', [x, scales, middles], { axis: 0 });
  });
}

/** The largest absolute value of each row, as a 127th, [rows]. */
function rowScales(build: Build, x: string): string {
  const { graph } = build;
  return once(build, `scales of ${x}`, () => {
    const extreme = (operator: string) => addNode(graph, operator, [x, int64s(graph, [1])], { keepdims: 0 });
    const below = addNode(graph, 'Neg', [extreme('ReduceMin')]);
    const largest = addNode(graph, 'Max', [extreme('ReduceMax'), below]);
    const scales = addNode(graph, 'Mul', [largest, floatScalar(graph, 1 / 127)]);
    return addNode(graph, 'Max', [scales, floatScalar(graph, smallestScale)]);
  });
}
