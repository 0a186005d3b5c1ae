import { widthOf } from './architecture.js';
import type { Build } from './blocks.js';
import { byDocument, once } from './blocks.js';
import type { Graph } from './onnx.js';
import { addConstant, addNode, addNodeTo, addOutput, int64s, nextName, onnxType } from './onnx.js';
import type { NeuronType } from './types.js';

/** Names of the model's outputs for a type. */
export const outputNames = {
  top: (type: NeuronType) => `top_${type}`,
  impacts: (type: NeuronType) => `impacts_${type}`,
};

/**
 * Mean absolute value over each document's tokens, [documents, width]:
 * `Σ_t |x[t]| · mask[t] / max(Σ_t mask[t], 1e-6)`.
 */
export function meanImpact(build: Build, x: string, width: number): string {
  const tokens = byDocument(build, x, width);
  const asProduct = build.operators === 'cpu' && build.maxLength <= tokensInOrder;
  const sums = asProduct ? sumsByProduct(build, tokens) : sumsByReduction(build, tokens);
  return addNode(build.graph, 'Div', [sums, build.input.counts]);
}

/**
 * Up to so many terms onnxruntime's CPU adds in their order, as long as the matrix has two rows or more. It adds longer
 * sums, and those of a single row, in parts, which depend on the number of documents and threads.
 */
const tokensInOrder = 128;

/**
 * `mask · |x|` for each document. On the CPU `ReduceL1` takes six times as long, 3 % of the model's time. The mask's row
 * is there twice: see `tokensInOrder`.
 */
function sumsByProduct(build: Build, tokens: string): string {
  const { graph, input } = build;
  const rows = once(build, 'mask rows', () => {
    const row = addNode(graph, 'Transpose', [input.mask], { perm: [0, 2, 1] });
    return addNode(graph, 'Concat', [row, row], { axis: 1 });
  });
  const both = addNode(graph, 'MatMul', [rows, addNode(graph, 'Abs', [tokens])]);
  const first = addConstant(graph, 'first_row', onnxType.int64, [], BigInt64Array.of(0n));
  return addNode(graph, 'Gather', [both, first], { axis: 1 });
}

function sumsByReduction({ graph, input }: Build, tokens: string): string {
  const masked = addNode(graph, 'Mul', [tokens, input.mask]);
  return addNode(graph, 'ReduceL1', [masked, int64s(graph, [1])], { keepdims: 0 });
}

/** The same for keys or values, each head repeated for every query head that uses it. */
export function repeatedImpact(build: Build, x: string): string {
  const { graph, architecture } = build;
  const { heads, kvHeads, headDim } = architecture;
  const impact = meanImpact(build, x, kvHeads * headDim);
  const single = addNode(graph, 'Reshape', [impact, int64s(graph, [-1, kvHeads, 1, headDim])]);
  const repeated = addNode(graph, 'Expand', [single, int64s(graph, [1, 1, heads / kvHeads, 1])]);
  return addNode(graph, 'Reshape', [repeated, int64s(graph, [-1, heads * headDim])]);
}

/** [documents, layers, width] from the layers' impacts. */
export function stackLayers(build: Build, layers: readonly string[]): string {
  const { graph } = build;
  const single = layers.map((name) => addNode(graph, 'Unsqueeze', [name, int64s(graph, [1])]));
  return addNode(graph, 'Concat', single, { axis: 1 });
}

/** Declares the impacts of a type as an output. */
export function outputImpacts(build: Build, type: NeuronType, stacked: string, layers: number): void {
  const name = outputNames.impacts(type);
  addNodeTo(build.graph, 'Identity', [stacked], [name]);
  addOutput(build.graph, name, onnxType.float, ['documents', layers, widthOf(build.architecture, type)]);
}

/** Declares the indices of the k largest impacts as an output, int32: largest first, ties by lower index. */
export function outputTop(build: Build, type: NeuronType, stacked: string, layers: number, k: number): void {
  const { graph } = build;
  const width = widthOf(build.architecture, type);
  const keys = build.operators === 'cpu' ? stacked : distinctKeys(graph, stacked, width);
  const values = nextName(graph, 'top_values');
  const indices = nextName(graph, 'top_indices');
  addNodeTo(graph, 'TopK', [keys, int64s(graph, [k])], [values, indices], {
    axis: -1,
    largest: 1,
    sorted: 1,
  });
  addNodeTo(graph, 'Cast', [indices], [outputNames.top(type)], { to: onnxType.int32 });
  addOutput(graph, outputNames.top(type), onnxType.int32, ['documents', layers, k]);
}

/**
 * Impacts as float64 keys without ties. ONNX asks for the lower index among equals, but only the CPU's operator is
 * known to keep to that. A factor of `1 − i · 2⁻⁴⁵` orders equals by index; for widths up to 2¹⁷ it moves nothing past
 * a neighbour, which is 2⁻²⁵ of its value away or more. The addend, float32's smallest normal number, orders zeros
 * alike (smaller ones are optimized away, for being 0 in float32).
 */
export function distinctKeys(graph: Graph, stacked: string, width: number): string {
  const factors = Float64Array.from({ length: width }, (_, index) => 1 - index * 2 ** -45);
  const addend = addConstant(graph, 'above_zero', onnxType.double, [], Float64Array.of(2 ** -126));
  const exact = addNode(graph, 'Cast', [stacked], { to: onnxType.double });
  const ranks = addConstant(graph, `tie_break_${width}`, onnxType.double, [width], factors);
  return addNode(graph, 'Mul', [addNode(graph, 'Add', [exact, addend]), ranks]);
}
