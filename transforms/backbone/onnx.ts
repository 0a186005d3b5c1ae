import { bytes, float, integer, message, string } from './protobuf.js';

/** Element types, as ONNX numbers them (`TensorProto.DataType`). */
export const onnxType = {
  float: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
  bfloat16: 16,
} as const;
export type OnnxType = (typeof onnxType)[keyof typeof onnxType];

/** Integers stay integers; `{ float }` marks the others, which JavaScript cannot tell apart. */
export type Attribute = number | { readonly float: number } | readonly number[];
/** Attributes of a node by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** Bytes inside another file, relative to the folder given to the session. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A graph under construction. Nodes must be added in an order in which they can run. */
export interface Graph {
  readonly nodes: Uint8Array[];
  readonly initializers: Map<string, Uint8Array>;
  readonly inputs: Uint8Array[];
  readonly outputs: Uint8Array[];
}

/** Opsets of ONNX itself and of onnxruntime's own operators. */
const opsets = { '': 21, 'com.microsoft': 1 };
const irVersion = 10;

/** A graph with nothing in it. */
export function createGraph(): Graph {
  return { nodes: [], initializers: new Map(), inputs: [], outputs: [] };
}

/**
 * Adds a node with one output and returns the output's name.
 * @param operator a name, with its domain in front where it has one: `com.microsoft:GroupQueryAttention`
 * @param inputs names; '' for an optional input that is left out
 */
export function addNode(
  graph: Graph,
  operator: string,
  inputs: readonly string[],
  attributes: Attributes = {},
): string {
  const output = nextName(graph, operator);
  addNodeTo(graph, operator, inputs, [output], attributes);
  return output;
}

/** Adds a node with given names for its outputs; '' for one that nobody needs. */
export function addNodeTo(
  graph: Graph,
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): void {
  const [type, domain = ''] = operator.split(':').reverse();
  const fields = [
    ...inputs.map((name) => string(1, name)),
    ...outputs.map((name) => string(2, name)),
    string(3, `node_${graph.nodes.length}`),
    string(4, type ?? ''),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, encodeAttribute(name, value))),
    ...(domain === '' ? [] : [string(7, domain)]),
  ];
  graph.nodes.push(message(fields));
}

/** A name that no other node's output has. */
export function nextName(graph: Graph, hint: string): string {
  return `${hint.replace(/^.*:/, '')}_${graph.nodes.length}`;
}

/** Adds a constant held in the graph; the same name twice is one constant. */
export function addConstant(
  graph: Graph,
  name: string,
  type: OnnxType,
  dims: readonly number[],
  data: ArrayBufferView,
): string {
  if (graph.initializers.has(name)) return name;
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  graph.initializers.set(name, message([...tensorHeader(name, type, dims), bytes(9, raw)]));
  return name;
}

/** Adds a constant that onnxruntime reads from another file. */
export function addExternal(
  graph: Graph,
  name: string,
  type: OnnxType,
  dims: readonly number[],
  data: ExternalData,
): string {
  if (graph.initializers.has(name)) return name;
  const entries = { location: data.location, offset: String(data.offset), length: String(data.bytes) };
  const fields = Object.entries(entries).map(([key, value]) =>
    bytes(13, message([string(1, key), string(2, value)])),
  );
  const external = integer(14, 1);
  graph.initializers.set(name, message([...tensorHeader(name, type, dims), ...fields, external]));
  return name;
}

/** A constant int64 vector: shapes, axes, bounds. */
export function int64s(graph: Graph, values: readonly number[]): string {
  const data = BigInt64Array.from(values, BigInt);
  return addConstant(graph, `int64_${values.join('_')}`, onnxType.int64, [values.length], data);
}

/** A constant float scalar. */
export function floatScalar(graph: Graph, value: number): string {
  return addConstant(graph, `float_${value}`, onnxType.float, [], Float32Array.of(value));
}

/** Declares a model input; a string is a dimension that only the run knows. */
export function addInput(
  graph: Graph,
  name: string,
  type: OnnxType,
  dims: readonly (number | string)[],
): string {
  graph.inputs.push(encodeValue(name, type, dims));
  return name;
}

/** Declares a node's output as the model's. */
export function addOutput(
  graph: Graph,
  name: string,
  type: OnnxType,
  dims: readonly (number | string)[],
): void {
  graph.outputs.push(encodeValue(name, type, dims));
}

/** The whole model in ONNX's protobuf format (`ModelProto`). */
export function encodeModel(graph: Graph): Uint8Array {
  const content = message([
    ...graph.nodes.map((node) => bytes(1, node)),
    string(2, 'nag'),
    ...[...graph.initializers.values()].map((tensor) => bytes(5, tensor)),
    ...graph.inputs.map((value) => bytes(11, value)),
    ...graph.outputs.map((value) => bytes(12, value)),
  ]);
  const imports = Object.entries(opsets).map(([domain, version]) =>
    bytes(8, message([string(1, domain), integer(2, version)])),
  );
  return message([integer(1, irVersion), string(2, 'nag-pipeline'), bytes(7, content), ...imports]);
}

function tensorHeader(name: string, type: OnnxType, dims: readonly number[]): Uint8Array[] {
  return [...dims.map((extent) => integer(1, extent)), integer(2, type), string(8, name)];
}

function encodeAttribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number') return message([string(1, name), integer(3, value), integer(20, 2)]);
  if ('float' in value) return message([string(1, name), float(2, value.float), integer(20, 1)]);
  return message([string(1, name), ...value.map((item) => integer(8, item)), integer(20, 7)]);
}

function encodeValue(name: string, type: OnnxType, dims: readonly (number | string)[]): Uint8Array {
  const extents = dims.map((extent) =>
    bytes(1, typeof extent === 'number' ? integer(1, extent) : string(2, extent)),
  );
  const tensor = message([integer(1, type), bytes(2, message(extents))]);
  return message([string(1, name), bytes(2, bytes(1, tensor))]);
}
