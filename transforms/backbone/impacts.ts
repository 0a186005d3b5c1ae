import { widthOf } from './architecture.js';
import type { Build } from './blocks.js';
import { byDocument } from './blocks.js';
import type { Graph } from './onnx.js';
import { addConstant, addNode, addNodeTo, addOutput, int64s, nextName, onnxType } from './onnx.js';
import type { NeuronType } from './types.js';

/** Names of the model's outputs for a type. */
export const outputNames = {
  top: (type: NeuronType) => `top_${type}`,
  impacts: (type: NeuronType) => `impacts_${type}`,
  sums: 'sums',
};

/**
 * Mean absolute value over each document's tokens, [documents, width]:
 * `Σ_t |x[t]| · mask[t] / max(Σ_t mask[t], 1e-6)`.
 */
export function meanImpact(build: Build, x: string, width: number): string {
  const { graph, input } = build;
  const tokens = addNode(graph, 'Mul', [byDocument(build, x, width), input.mask]);
  const sums = addNode(graph, 'ReduceL1', [tokens, int64s(graph, [1])], { keepdims: 0 });
  return addNode(graph, 'Div', [sums, input.counts]);
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

/**
 * Declares the sum of each document's impacts in the last layer as an output. A number that has left its type's range
 * anywhere before has made them infinite, or NaN.
 * @param types the layers' impacts, of each type that is measured
 */
export function outputSums(build: Build, types: readonly (readonly string[])[]): void {
  const { graph } = build;
  const last = types.flatMap((layers) => layers.at(-1) ?? []);
  if (last.length === 0) return;
  const all = addNode(graph, 'Concat', last, { axis: 1 });
  addNodeTo(graph, 'ReduceSum', [all, int64s(graph, [1])], [outputNames.sums], { keepdims: 0 });
  addOutput(graph, outputNames.sums, onnxType.float, ['documents']);
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
