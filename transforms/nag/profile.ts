import { pairwiseSum } from './pairwise-sum.js';

/** Neuron indices, layer-major: [rows × layers × k]. */
export type FeatureIndices = Uint16Array | Int32Array | Uint32Array;

/** How often each neuron occurs in the NAGs of a set of documents: the accumulator of a target profile. */
export interface ProfileCounts {
  readonly layers: number;
  readonly width: number;
  /** [layers × width] */
  readonly counts: Float64Array;
  documents: number;
}

/** No documents yet. */
export function createCounts(layers: number, width: number): ProfileCounts {
  for (const [name, value] of [
    ['layers', layers],
    ['width', width],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name}: expected a positive integer, found ${value}`);
  }
  return { layers, width, counts: new Float64Array(layers * width), documents: 0 };
}

/**
 * Counts the features [rows × layers × k] of `rows` documents.
 * @throws RangeError naming row, layer and index where an index is not below the width; nothing is counted then.
 */
export function addFeatures(c: ProfileCounts, features: FeatureIndices, rows: number, k: number): void {
  checkLength('features', features.length, rows * c.layers * k);
  checkIndices(c, features, rows, k);
  let i = 0;
  for (let row = 0; row < rows; row++) {
    for (let base = 0; base < c.counts.length; base += c.width) {
      for (let end = i + k; i < end; i++) c.counts[base + features[i]!]!++;
    }
  }
  c.documents += rows;
}

/** Adds the counts of other documents. Counts are integers, so that any split and order gives the same profile. */
export function mergeCounts(into: ProfileCounts, other: ProfileCounts): void {
  if (into.layers !== other.layers || into.width !== other.width) {
    throw new RangeError(
      `cannot merge a profile of ${other.layers} layers × ${other.width} neurons into one of ${into.layers} × ${into.width}`,
    );
  }
  for (let i = 0; i < into.counts.length; i++) into.counts[i] = into.counts[i]! + other.counts[i]!;
  into.documents += other.documents;
}

/**
 * The profile [layers × width]: counts to the given power, divided by their layer's sum (paper 2.3). A layer
 * without counts stays zero. Bit-equal to NumPy's `w = counts ** power; w / w.sum()` for the powers 0, 0.5, 1 and
 * 2, and for others as far as the two libraries' `pow` agree: the last bits may differ, as they do between
 * machines. Power 0 weighs all neurons alike, as 0⁰ = 1.
 * @throws RangeError when the power is negative or not finite: neurons that never occur would weigh infinitely.
 */
export function profileWeights(c: ProfileCounts, power: number): Float64Array {
  if (!Number.isFinite(power) || power < 0)
    throw new RangeError(`power: expected a finite number of at least 0, found ${power}`);
  const weights = raised(c.counts, power);
  for (let base = 0; base < weights.length; base += c.width) {
    const sum = pairwiseSum(weights, base, c.width);
    if (sum === 0) continue;
    for (let i = base; i < base + c.width; i++) weights[i] = weights[i]! / sum;
  }
  return weights;
}

/** NumPy takes these powers without `pow`; the square root is correctly rounded, which `pow` is not. */
function raised(counts: Float64Array, power: number): Float64Array {
  if (power === 1) return counts.slice();
  if (power === 2) return counts.map((x) => x * x);
  if (power === 0.5) return counts.map(Math.sqrt);
  return counts.map((x) => x ** power);
}

function checkIndices(c: ProfileCounts, features: FeatureIndices, rows: number, k: number): void {
  const end = rows * c.layers * k;
  for (let i = 0; i < end; i++) {
    const index = features[i]!;
    if (index >= 0 && index < c.width) continue;
    const row = Math.floor(i / (c.layers * k));
    const layer = Math.floor(i / k) % c.layers;
    throw new RangeError(
      `row ${row}, layer ${layer}: neuron index ${index}, but the layer has ${c.width} neurons`,
    );
  }
}

function checkLength(name: string, found: number, expected: number): void {
  if (found < expected) throw new RangeError(`${name}: expected ${expected} values, found ${found}`);
}
