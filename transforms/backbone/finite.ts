import { type Build, byDocument } from './blocks.js';
import { addNode, addNodeTo, addOutput, floatScalar, int64s, onnxType } from './onnx.js';

/** Name of the model's output for checks. */
export const checksName = 'checks';

/** A number for each document, float32 [documents, 1], that is not finite where the numbers of a layer are not. */
export interface Check {
  readonly name: string;
  readonly layer: number;
}

/** The largest float32 takes no more than a sum of a million of these. */
const share = 2 ** -20;

/** Checks each document's impacts of a layer, [documents, width]: one NaN or infinity makes their sum so. */
export function checkImpacts(build: Build, impacts: string, layer: number): void {
  const { graph } = build;
  const shares = addNode(graph, 'Mul', [impacts, floatScalar(graph, share)]);
  build.checks.push({ layer, name: addNode(graph, 'ReduceSum', [shares, int64s(graph, [1])]) });
}

/**
 * Checks what RMS norms divide by. A root of squares beyond float32 gives rows of zeros, which look like numbers.
 * @param inverses of the roots, for each head of each token
 */
export function checkHeadNorms(build: Build, inverses: string, layer: number, heads: number): void {
  const { graph } = build;
  const byToken = byDocument(build, inverses, heads);
  const smallest = addNode(graph, 'ReduceMin', [byToken, int64s(graph, [1, 2])], { keepdims: 0 });
  const largest = addNode(graph, 'Reciprocal', [smallest]);
  build.checks.push({ layer, name: addNode(graph, 'Unsqueeze', [largest, int64s(graph, [1])]) });
}

/**
 * Checks the residual stream before the last norm. It keeps whatever a layer has added, and its squares are what
 * norms divide by.
 */
export function checkResidual(build: Build, layer: number): void {
  const { graph, architecture, residual } = build;
  const squares = addNode(graph, 'Mul', [residual, residual]);
  const tokens = byDocument(build, squares, architecture.hidden);
  const sums = addNode(graph, 'ReduceSum', [tokens, int64s(graph, [1, 2])], { keepdims: 0 });
  build.checks.push({ layer, name: addNode(graph, 'Unsqueeze', [sums, int64s(graph, [1])]) });
}

/** Declares all checks as an output, float32 [documents, checks]. */
export function outputChecks({ graph, checks }: Build): void {
  const names = checks.map(({ name }) => name);
  addNodeTo(graph, 'Concat', names, [checksName], { axis: 1 });
  addOutput(graph, checksName, onnxType.float, ['documents', checks.length]);
}

/** The first document with numbers that are not finite, and the first layer that shows it; undefined where all are. */
export function firstNotFinite(
  found: ArrayLike<number> | undefined,
  checks: readonly { readonly layer: number }[],
): { document: number; layer: number } | undefined {
  const at = Array.prototype.findIndex.call(found ?? [], (value: number) => !Number.isFinite(value));
  if (at === -1) return undefined;
  const document = Math.floor(at / checks.length);
  const wrong = checks.filter((_, i) => !Number.isFinite(found?.[document * checks.length + i]));
  return { document, layer: Math.min(...wrong.map(({ layer }) => layer)) };
}
