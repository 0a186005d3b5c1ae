import type { Build } from './blocks.js';
import { asRows, byDocument, storedRows, storedWeight } from './blocks.js';
import { addNode, addNodeTo, addOutput, int64s, onnxType } from './onnx.js';
import { headName } from './weights.js';

/** Name of the model's output for log-probabilities. */
export const logProbabilitiesName = 'log_probabilities';

/** Tokens of the vocabulary whose logits are there at once: of 2,048 positions they take 32 MB. */
const tokensAtOnce = 4096;

/**
 * Declares the natural logarithms of the probabilities that a model gives to what comes next as an output, float32
 * [documents, length, 1]: at each position that of the next id, `x · W[id] − log Σ_v exp(x · W[v])`. At a document's
 * last position and on padding it says nothing. Logits of the whole vocabulary are never there together.
 * @param x the last layer's output after the final norm, [documents × length, hidden]
 */
export function outputLogProbabilities(build: Build, x: string): void {
  const { graph } = build;
  const total = logSumExp(build, addNode(graph, 'Concat', sumsByPart(build, x), { axis: 1 }));
  const chosen = addNode(graph, 'Sub', [nextLogits(build, x), total]);
  addNodeTo(graph, 'Identity', [byDocument(build, chosen, 1)], [logProbabilitiesName]);
  addOutput(graph, logProbabilitiesName, onnxType.float, ['documents', 'length', 1]);
}

/** The logit of the id that comes next, [documents × length, 1]. Only rows of the head that occur are cast. */
function nextLogits(build: Build, x: string): string {
  const { graph, architecture } = build;
  const cut = (from: number, to: number) =>
    addNode(graph, 'Slice', ['ids', int64s(graph, [from]), int64s(graph, [to]), int64s(graph, [1])]);
  const next = addNode(graph, 'Concat', [cut(1, 2 ** 31 - 1), cut(0, 1)], { axis: 1 });
  const stored = addNode(graph, 'Gather', [storedWeight(build, headName(architecture)), next]);
  const rows = asRows(build, addNode(graph, 'Cast', [stored], { to: onnxType.float }), architecture.hidden);
  return addNode(graph, 'ReduceSum', [addNode(graph, 'Mul', [x, rows]), int64s(graph, [1])]);
}

/** `log Σ exp` of the logits of each part of the vocabulary, [documents × length, 1] each. */
function sumsByPart(build: Build, x: string): string[] {
  const { graph, architecture } = build;
  const { vocabulary, hidden } = architecture;
  const sums: string[] = [];
  for (let first = 0; first < vocabulary; first += tokensAtOnce) {
    const count = Math.min(tokensAtOnce, vocabulary - first);
    const part = storedRows(build, headName(architecture), first, count);
    const before = sums.at(-1);
    // Each part waits for the one before it: onnxruntime would otherwise compute all logits first.
    const input = before === undefined ? x : asRowsOf(build, before, x, hidden);
    sums.push(logSumExp(build, addNode(graph, 'Gemm', [input, part], { transB: 1 })));
  }
  return sums;
}

/** x, with its number of rows taken from another matrix. */
function asRowsOf(build: Build, other: string, x: string, width: number): string {
  const { graph } = build;
  const shape = addNode(graph, 'Shape', [other], { end: 1 });
  return addNode(graph, 'Reshape', [
    x,
    addNode(graph, 'Concat', [shape, int64s(graph, [width])], { axis: 0 }),
  ]);
}

/** `log Σ exp` of each row, [rows, 1]: exact for logits of any size. */
function logSumExp(build: Build, x: string): string {
  const { graph } = build;
  const axes = int64s(graph, [1]);
  const largest = addNode(graph, 'ReduceMax', [x, axes]);
  const shares = addNode(graph, 'Exp', [addNode(graph, 'Sub', [x, largest])]);
  const sum = addNode(graph, 'ReduceSum', [shares, axes]);
  return addNode(graph, 'Add', [largest, addNode(graph, 'Log', [sum])]);
}
