import { NagError } from '../../pipeline/errors.js';
import type { FloatPrecision, NeuronType, SessionResult, TokenBatch } from './types.js';

/** How far a device may be from the CPU. */
export interface Tolerance {
  /** Impacts may differ by this share of the layer's largest. */
  readonly error: number;
  /** Of the top indices, at least this share must be the same. */
  readonly overlap: number;
}

/** TF32, which GPUs take for float32, and float16 round to about 2⁻¹¹ at each product, bfloat16 to 2⁻⁸. */
export const tolerances: Readonly<Record<FloatPrecision, Tolerance>> = {
  float32: { error: 0.02, overlap: 0.9 },
  float16: { error: 0.02, overlap: 0.9 },
  bfloat16: { error: 0.05, overlap: 0.8 },
};

/** A model on some device. */
export interface Measurable {
  readonly device: string;
  readonly layers: number;
  /** Its usual outputs, and the impacts of these types. */
  measure(batch: TokenBatch, impacts: readonly NeuronType[]): Promise<SessionResult>;
}

/**
 * Documents that show what differs between devices: longer than any hardware's groups of threads, of mixed lengths.
 * The ids are the same in every process.
 */
export function testBatch(vocabulary: number, maxLength: number): TokenBatch {
  const lengths = Int32Array.of(101, 7, 67).map((length) => Math.min(length, maxLength));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let state = 12345;
  const ids = Int32Array.from({ length: total }, () => {
    // Numerical Recipes' linear congruential generator; its high bits are the better ones.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabulary);
  });
  return { ids, lengths };
}

/**
 * Runs the same documents on a device and on the CPU, and compares the layers that both have.
 * @throws NagError naming the device, and the neuron type and layer where they differ
 */
export async function testDevice(
  found: Measurable,
  reference: Measurable,
  batch: TokenBatch,
  types: readonly NeuronType[],
  tolerance: Tolerance,
): Promise<void> {
  const documents = batch.lengths.length;
  const expectedResult = {
    result: await reference.measure(batch, types),
    documents,
    layers: reference.layers,
  };
  const foundResult = { result: await found.measure(batch, types), documents, layers: found.layers };
  for (const difference of differences(expectedResult, foundResult, types, tolerance))
    throw new NagError(
      `device ${found.device} computes wrong numbers: ${difference}, compared with the CPU. Update its driver, or use device cpu.`,
    );
}

/** A result, and the shape of its arrays: [documents, layers, …]. */
interface Measured {
  readonly result: SessionResult;
  readonly documents: number;
  readonly layers: number;
}

/** What differs more than it may. */
function* differences(
  expected: Measured,
  found: Measured,
  types: readonly NeuronType[],
  tolerance: Tolerance,
): Generator<string> {
  for (const type of types) {
    for (let layer = 0; layer < Math.min(expected.layers, found.layers); layer++) {
      const difference = layerDifference(expected, found, type, layer, tolerance);
      if (difference !== null) yield `${type}, layer ${layer}: ${difference}`;
    }
  }
  for (const [document, values] of (expected.result.logProbabilities ?? []).entries()) {
    const error = scaledError(values, found.result.logProbabilities?.[document] ?? new Float32Array(0));
    if (!(error <= tolerance.error))
      yield `log-probabilities, document ${document}: differ by ${(100 * error).toFixed(2)} % of the largest`;
  }
}

function layerDifference(
  expected: Measured,
  found: Measured,
  type: NeuronType,
  layer: number,
  tolerance: Tolerance,
): string | null {
  const impacts = pairRows(expected, found, expected.result.impacts[type], found.result.impacts[type], layer);
  const error = Math.max(0, ...impacts.map(([a, b]) => scaledError(a, b)));
  if (!(error <= tolerance.error)) return `impacts differ by ${(100 * error).toFixed(2)} % of the largest`;
  const top = pairRows(expected, found, expected.result.top[type], found.result.top[type], layer);
  const shares = top.map(([a, b]) => overlap(a, b));
  const share = shares.reduce((sum, one) => sum + one, 0) / Math.max(1, shares.length);
  if (shares.length > 0 && share < tolerance.overlap)
    return `only ${(100 * share).toFixed(0)} % of the top neurons agree`;
  return null;
}

type Values = Int32Array | Float32Array;

/** The documents' rows of one layer, side by side; none where one of the two lacks this output. */
function pairRows<T extends Values>(
  expected: Measured,
  found: Measured,
  expectedValues: T | undefined,
  foundValues: T | undefined,
  layer: number,
): [Values, Values][] {
  if (expectedValues === undefined || foundValues === undefined) return [];
  return Array.from({ length: found.documents }, (_, document) => [
    row(expectedValues, expected, document, layer),
    row(foundValues, found, document, layer),
  ]);
}

function row(values: Values, { documents, layers }: Measured, document: number, layer: number): Values {
  const width = values.length / (documents * layers);
  const start = (document * layers + layer) * width;
  return values.subarray(start, start + width);
}

/** Largest difference, as a share of the largest expected value; NaN where a number is missing or not finite. */
function scaledError(expected: Values, found: Values): number {
  let largest = 0;
  let difference = 0;
  expected.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - (found[i] ?? Number.NaN)));
  });
  return difference === 0 ? 0 : difference / largest;
}

function overlap(expected: Values, found: Values): number {
  const known = new Set(expected);
  return found.filter((index) => known.has(index)).length / expected.length;
}
