import type { Build } from './blocks.js';
import { asRows, byDocument, narrow, once, positions, wide } from './blocks.js';
import { addConstant, addNode, addNodeTo, floatScalar, int64s, nextName, onnxType } from './onnx.js';
import { ropeTable } from './rope.js';

/** Projected queries, keys (float32) and values (narrow) of one layer, before RoPE. */
export interface Projections {
  readonly queries: string;
  readonly keys: string;
  readonly values: string;
}

/** Below every score, and finite: what PyTorch masks with. */
const lowest = -3.4028234663852886e38;

/** onnxruntime's fused attention wants heads of a multiple of this. */
const fusedHeadStep = 16;

/** Causal attention with grouped key and value heads. Output: [documents × length, heads × headDim], narrow. */
export function attention(build: Build, projections: Projections, rotated: boolean): string {
  const { heads, headDim } = build.architecture;
  const canFuse = build.operators === 'cpu' && headDim % fusedHeadStep === 0;
  const mixed = canFuse ? fused(build, projections, rotated) : plain(build, projections, rotated);
  return asRows(build, mixed, heads * headDim);
}

function fused(build: Build, { queries, keys, values }: Projections, rotated: boolean): string {
  const { graph, architecture } = build;
  const { heads, kvHeads, headDim } = architecture;
  const keyWidth = kvHeads * headDim;
  const inputs = [
    byDocument(build, queries, heads * headDim),
    byDocument(build, keys, keyWidth),
    byDocument(build, values, keyWidth),
    '',
    '',
    lastPositions(build),
    totalLength(build),
    ...(rotated ? [ropeConstant(build, 'cosines'), ropeConstant(build, 'sines')] : []),
  ];
  // Only the first of its outputs is named: naming the caches would keep them.
  return addNode(graph, 'com.microsoft:GroupQueryAttention', inputs, {
    num_heads: heads,
    kv_num_heads: kvHeads,
    do_rotary: rotated ? 1 : 0,
    rotary_interleaved: 0,
    scale: { float: 1 / Math.sqrt(headDim) },
  });
}

/** Every document is told to be as long as the longest: padding stands on the right, where no token looks. */
function lastPositions(build: Build): string {
  const { graph } = build;
  return once(build, 'last positions', () => {
    const one = addConstant(graph, 'int32_one', onnxType.int32, [1], Int32Array.of(1));
    const length = addNode(graph, 'Cast', [build.input.length], { to: onnxType.int32 });
    return addNode(graph, 'Expand', [addNode(graph, 'Sub', [length, one]), build.documents]);
  });
}

function totalLength(build: Build): string {
  const { graph, input } = build;
  return once(build, 'total length', () => {
    const length = addNode(graph, 'Cast', [input.length], { to: onnxType.int32 });
    return addNode(graph, 'Squeeze', [length, int64s(graph, [0])]);
  });
}

function ropeConstant(build: Build, part: 'cosines' | 'sines'): string {
  const { rope, headDim } = build.architecture;
  return once(build, part, () => {
    const data = ropeTable(rope, headDim, build.maxLength)[part];
    return addConstant(build.graph, part, onnxType.float, [build.maxLength, headDim / 2], data);
  });
}

/** Heads of a group are a dimension of their own, so that keys and values are never copied for each query head. */
function plain(build: Build, { queries, keys, values }: Projections, rotated: boolean): string {
  const { graph, architecture } = build;
  const { heads, kvHeads, headDim } = architecture;
  const turn = (x: string) => (rotated ? rotate(build, x) : x);
  const product = (a: string, b: string) => addNode(graph, 'MatMul', [a, b]);
  const split = (x: string, perm: readonly number[], ...dims: readonly number[]) =>
    addNode(graph, 'Transpose', [byDocument(build, x, ...dims, headDim)], { perm });
  const scale = floatScalar(graph, 1 / Math.sqrt(headDim));
  // [documents, kvHeads, heads / kvHeads, length, headDim], and 1 for the group with keys and values
  const q = addNode(graph, 'Mul', [turn(split(queries, [0, 2, 3, 1, 4], kvHeads, heads / kvHeads)), scale]);
  const k = addNode(graph, 'Transpose', [turn(split(keys, [0, 2, 3, 1, 4], kvHeads, 1))], {
    perm: [0, 1, 2, 4, 3],
  });
  const v = split(values, [0, 2, 3, 1, 4], kvHeads, 1);
  const scores = wide(build, product(narrow(build, q), narrow(build, k)));
  const shares = addNode(graph, 'Softmax', [addNode(graph, 'Add', [scores, causalBias(build)])], {
    axis: -1,
  });
  return addNode(graph, 'Transpose', [product(narrow(build, shares), v)], { perm: [0, 3, 1, 2, 4] });
}

/** `x · cos + [−x₂, x₁] · sin`, x₁ and x₂ being the halves of a head. */
function rotate(build: Build, x: string): string {
  const { graph } = build;
  const first = nextName(graph, 'first_half');
  const second = nextName(graph, 'second_half');
  addNodeTo(graph, 'Split', [x], [first, second], { axis: -1, num_outputs: 2 });
  const turned = addNode(graph, 'Concat', [addNode(graph, 'Neg', [second]), first], { axis: -1 });
  return addNode(graph, 'Add', [
    addNode(graph, 'Mul', [x, ropeRows(build, 'cosines')]),
    addNode(graph, 'Mul', [turned, ropeRows(build, 'sines')]),
  ]);
}

/** [length, headDim]: the table's first rows, for both halves. */
function ropeRows(build: Build, part: 'cosines' | 'sines'): string {
  const { graph, input } = build;
  return once(build, `rows of ${part}`, () => {
    const rows = addNode(graph, 'Slice', [ropeConstant(build, part), int64s(graph, [0]), input.length]);
    return addNode(graph, 'Concat', [rows, rows], { axis: 1 });
  });
}

/** [length, length]: 0 where the column is not after the row, otherwise the lowest number. */
function causalBias(build: Build): string {
  const { graph, input } = build;
  return once(build, 'causal bias', () => {
    const order = positions(graph, input.length);
    const columns = addNode(graph, 'Unsqueeze', [order, int64s(graph, [0])]);
    const rows = addNode(graph, 'Unsqueeze', [order, int64s(graph, [1])]);
    const later = addNode(graph, 'Greater', [columns, rows]);
    return addNode(graph, 'Where', [later, floatScalar(graph, lowest), floatScalar(graph, 0)]);
  });
}
