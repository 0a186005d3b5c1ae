import type { Check } from './finite.js';
import type { Int8Weights } from './int8-weights.js';
import type { Graph } from './onnx.js';
import {
  addConstant,
  addExternal,
  addNode,
  addNodeTo,
  floatScalar,
  int64s,
  nextName,
  onnxType,
} from './onnx.js';
import type { Architecture, Checkpoint, FloatPrecision } from './types.js';

/** `cpu`: onnxruntime's fused operators; `plain`: standard ones, which every device computes alike. */
export type Operators = 'cpu' | 'plain';

/**
 * A transformer's graph under construction. Activations are matrices `[documents × length, features]`, except where a
 * shape is given.
 */
export interface Build {
  readonly graph: Graph;
  readonly architecture: Architecture;
  readonly tensors: Checkpoint['tensors'];
  readonly operators: Operators;
  /** What matrices are multiplied in; other than float32 with `plain` operators only. */
  readonly precision: FloatPrecision;
  /** Rows of the RoPE table. */
  readonly maxLength: number;
  /** A weight file's name inside the session's folder. */
  readonly locations: ReadonlyMap<string, string>;
  /** The linear layers' weights, where they are not the checkpoint's own. */
  readonly int8?: Int8Weights | undefined;
  readonly input: InputNames;
  /**
   * Name of the number of documents, int64 [1]. It moves on to a copy taken from the latest impacts: see `orderAfter`.
   */
  documents: string;
  /** Name of the residual stream before the latest norm. */
  residual: string;
  /** What tells whether all numbers were finite. */
  readonly checks: Check[];
  /** Names of nodes that several layers share. */
  readonly shared: Map<string, string>;
}

/** What is derived from the model's inputs once. */
export interface InputNames {
  /** Tokens of the longest document, int64 [1]. */
  readonly length: string;
  /** 1 for tokens, 0 for padding, float [documents, length, 1]. */
  readonly mask: string;
  /** Tokens of each document, float [documents, 1]. */
  readonly counts: string;
}

const precisionTypes = {
  float32: onnxType.float,
  float16: onnxType.float16,
  bfloat16: onnxType.bfloat16,
} as const;
const weightOnnxTypes = { F32: onnxType.float, F16: onnxType.float16, BF16: onnxType.bfloat16 } as const;

/** Makes a node once and gives its name to every later caller with the same key. */
export function once(build: Build, key: string, make: () => string): string {
  const known = build.shared.get(key);
  if (known !== undefined) return known;
  const made = make();
  build.shared.set(key, made);
  return made;
}

function uncheckedTensor(name: string): Error {
  return new Error(`tensor ${name} was not checked when the model was opened`);
}

/** A weight as it is stored, in its own type. */
export function storedWeight(build: Build, name: string): string {
  const tensor = build.tensors.get(name);
  const location = tensor && build.locations.get(tensor.realFile);
  if (!tensor || location === undefined) throw uncheckedTensor(name);
  const { shape, offset, bytes } = tensor;
  return addExternal(build.graph, name, weightOnnxTypes[tensor.dtype], shape, { location, offset, bytes });
}

/** Rows of a stored matrix as float32, under a name of their own: they lie side by side in its file. */
export function storedRows(build: Build, name: string, first: number, count: number): string {
  const tensor = build.tensors.get(name);
  const location = tensor && build.locations.get(tensor.realFile);
  if (!tensor || location === undefined) throw uncheckedTensor(name);
  const [rows = 1, width = 1] = tensor.shape;
  const rowBytes = tensor.bytes / rows;
  const part = { location, offset: tensor.offset + first * rowBytes, bytes: count * rowBytes };
  const type = weightOnnxTypes[tensor.dtype];
  const stored = addExternal(build.graph, `${name}[${first}]`, type, [count, width], part);
  return tensor.dtype === 'F32' ? stored : addNode(build.graph, 'Cast', [stored], { to: onnxType.float });
}

/** A weight in a precision, by default float32: the cast is folded when the session loads. */
export function weight(build: Build, name: string, precision: FloatPrecision = 'float32'): string {
  const stored = storedWeight(build, name);
  const { dtype } = build.tensors.get(name) ?? {};
  const to = precisionTypes[precision];
  if (dtype !== undefined && weightOnnxTypes[dtype] === to) return stored;
  return once(build, `${precision} ${name}`, () => addNode(build.graph, 'Cast', [stored], { to }));
}

/** A float32 matrix, in the precision that matrices are multiplied in. */
export function narrow(build: Build, x: string): string {
  if (build.precision === 'float32') return x;
  const to = precisionTypes[build.precision];
  return once(build, `narrow ${x}`, () => addNode(build.graph, 'Cast', [x], { to }));
}

/** What a product of matrices gave, as float32. To narrow it again gives back the same. */
export function wide(build: Build, x: string): string {
  if (build.precision === 'float32') return x;
  return once(build, `wide ${x}`, () => {
    const made = addNode(build.graph, 'Cast', [x], { to: onnxType.float });
    build.shared.set(`narrow ${made}`, x);
    return made;
  });
}

/**
 * What a linear layer with these outputs' weights set to zero gives: their bias, or 0. The other outputs keep every
 * bit, and the weights stay where they are.
 */
export function withoutWeights(
  build: Build,
  outputs: readonly number[],
  x: string,
  name: string,
  bias: boolean,
): string {
  const [width = 0] = build.tensors.get(`${name}.weight`)?.shape ?? [];
  const off = new Uint8Array(width);
  for (const output of outputs) off[output] = 1;
  // Chosen, not multiplied by 0: what is not finite must go too.
  const which = addConstant(build.graph, `off ${name}`, onnxType.bool, [width], off);
  const instead = bias ? weight(build, `${name}.bias`) : floatScalar(build.graph, 0);
  return addNode(build.graph, 'Where', [which, instead, x]);
}

/** RMS norm over the last dimension. @param inverses a name for the inverses of the roots, where they are wanted */
export function rmsNorm(build: Build, x: string, name: string, inverses?: string): string {
  const normed = nextName(build.graph, 'normed');
  const inputs = [x, weight(build, `${name}.weight`)];
  const outputs = inverses === undefined ? [normed] : [normed, inverses];
  const epsilon = { float: build.architecture.normEpsilon };
  const attributes = { axis: -1, epsilon, stash_type: 1 };
  addNodeTo(build.graph, 'SimplifiedLayerNormalization', inputs, outputs, attributes);
  return normed;
}

/** `sum = x + delta` and its RMS norm, in one pass. */
export function addAndNorm(
  build: Build,
  x: string,
  delta: string,
  name: string,
): { normed: string; sum: string } {
  const { graph, architecture } = build;
  const normed = nextName(graph, 'normed');
  const sum = nextName(graph, 'residual');
  const inputs = [x, delta, weight(build, `${name}.weight`)];
  const epsilon = { float: architecture.normEpsilon };
  addNodeTo(graph, 'com.microsoft:SkipSimplifiedLayerNormalization', inputs, [normed, '', '', sum], {
    epsilon,
  });
  build.residual = sum;
  return { normed, sum };
}

/** `x · sigmoid(x)` */
export function silu(build: Build, x: string): string {
  if (build.operators === 'cpu')
    return addNode(build.graph, 'com.microsoft:QuickGelu', [x], { alpha: { float: 1 } });
  return addNode(build.graph, 'Mul', [x, addNode(build.graph, 'Sigmoid', [x])]);
}

/** Gives x the shape [documents, length, ...dims]. */
export function byDocument(build: Build, x: string, ...dims: readonly number[]): string {
  const { graph, documents, input } = build;
  const shape = once(build, `shape ${documents} ${dims.join(' ')}`, () =>
    addNode(graph, 'Concat', [documents, input.length, int64s(graph, dims)], { axis: 0 }),
  );
  return addNode(graph, 'Reshape', [x, shape]);
}

/** Gives x the shape [anything, width]. */
export function asRows(build: Build, x: string, width: number): string {
  return addNode(build.graph, 'Reshape', [x, int64s(build.graph, [-1, width])]);
}

/**
 * Lets whatever is shaped by document from here on wait for `impacts`. onnxruntime would otherwise reduce all layers
 * at the very end, and keep every layer's outputs in memory until then.
 */
export function orderAfter(build: Build, impacts: readonly string[]): void {
  const { graph } = build;
  for (const name of impacts) {
    const shape = addNode(graph, 'Shape', [name]);
    const documents = addNode(graph, 'Slice', [shape, int64s(graph, [0]), int64s(graph, [1])]);
    build.documents = addNode(graph, 'Max', [build.documents, documents]);
  }
}

/** The model's inputs: `ids` int32 [documents, length], padded on the right, and `lengths` int32 [documents]. */
export function deriveInputs(graph: Graph): { documents: string; input: InputNames } {
  const shape = addNode(graph, 'Shape', ['ids']);
  const bound = (from: number) =>
    addNode(graph, 'Slice', [shape, int64s(graph, [from]), int64s(graph, [from + 1])]);
  const documents = bound(0);
  const length = bound(1);
  const lengths = addNode(graph, 'Unsqueeze', ['lengths', int64s(graph, [1])]);
  const inside = addNode(graph, 'Less', [positions(graph, length), lengths]);
  const mask = addNode(graph, 'Unsqueeze', [
    addNode(graph, 'Cast', [inside], { to: onnxType.float }),
    int64s(graph, [2]),
  ]);
  const counted = addNode(graph, 'Cast', [lengths], { to: onnxType.float });
  const counts = addNode(graph, 'Max', [counted, floatScalar(graph, 1e-6)]);
  return { documents, input: { length, mask, counts } };
}

/** 0, 1, … length − 1 as int32. */
export function positions(graph: Graph, length: string): string {
  const scalar = (value: number) =>
    addConstant(graph, `int32_${value}`, onnxType.int32, [], Int32Array.of(value));
  const whole = addNode(graph, 'Cast', [length], { to: onnxType.int32 });
  const limit = addNode(graph, 'Squeeze', [whole, int64s(graph, [0])]);
  return addNode(graph, 'Range', [scalar(0), limit, scalar(1)]);
}
