import { pairwiseSum } from './pairwise-sum.js';
import type { FeatureIndices } from './profile.js';

/**
 * `out[row] = 1 − (1/layers) · Σ_l Σ_k weights[l][features[row][l][k]]` (paper 2.3), bit-equal to NumPy's
 * `sum(axis=1)` over each layer's gathered [rows, k] block, layer added to layer. A row's result depends on
 * that row only.
 * @param features [rows × layers × k]; an index outside the table counts 0
 * @param weights [layers × width]
 * @param out [rows]
 * @throws RangeError when an array's length does not fit the shape
 */
export function distances(
  features: FeatureIndices,
  rows: number,
  layers: number,
  k: number,
  width: number,
  weights: Float64Array,
  out: Float64Array,
): void {
  checkShape('features', features.length >= rows * layers * k, `${rows} × ${layers} × ${k}`, features.length);
  checkShape('weights', weights.length === layers * width, `${layers} × ${width}`, weights.length);
  checkShape('out', out.length >= rows, `${rows}`, out.length);
  // The next power of two, by integer operations: V8 would carry a float64 into the loop below.
  const stride = 1 << (32 - Math.clz32(width - 1));
  const mask = stride - 1;
  // Padding the table pays once it is read more often than it is long.
  const padded =
    k >= 8 && k <= 128 && rows * k >= width ? paddedTable(weights, layers, width, stride) : undefined;
  const gathered = new Float64Array(k);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let layer = 0; layer < layers; layer++, at += k) {
      let layerSum = padded === undefined ? NaN : sumInEight(features, at, k, padded, layer * stride, mask);
      if (Number.isNaN(layerSum)) {
        gather(features, at, weights, layer * width, width, gathered);
        layerSum = pairwiseSum(gathered);
      }
      sum += layerSum;
    }
    out[row] = 1 - sum / layers;
  }
}

/** [layers × stride], zero from each layer's width on. */
function paddedTable(weights: Float64Array, layers: number, width: number, stride: number): Float64Array {
  const padded = new Float64Array(layers * stride);
  for (let layer = 0; layer < layers; layer++)
    padded.set(weights.subarray(layer * width, (layer + 1) * width), layer * stride);
  return padded;
}

function gather(
  features: FeatureIndices,
  at: number,
  weights: Float64Array,
  base: number,
  width: number,
  out: Float64Array,
): void {
  for (let i = 0; i < out.length; i++) {
    const index = features[at + i]!;
    out[i] = index >= 0 && index < width ? weights[base + index]! : 0;
  }
}

/**
 * `pairwiseSum` of n = 8 … 128 gathered weights without gathering them first; NaN when an index is not below the
 * stride. `mask` is the stride, a power of two, less one. This is the hottest loop of scoring: its partial sums
 * are written out, and its indices are not compared one by one but or-ed and looked at once.
 */
function sumInEight(
  f: FeatureIndices,
  at: number,
  n: number,
  w: Float64Array,
  base: number,
  mask: number,
): number {
  let index = f[at]!;
  let seen = index;
  let r0 = w[base + (index & mask)]!;
  seen |= index = f[at + 1]!;
  let r1 = w[base + (index & mask)]!;
  seen |= index = f[at + 2]!;
  let r2 = w[base + (index & mask)]!;
  seen |= index = f[at + 3]!;
  let r3 = w[base + (index & mask)]!;
  seen |= index = f[at + 4]!;
  let r4 = w[base + (index & mask)]!;
  seen |= index = f[at + 5]!;
  let r5 = w[base + (index & mask)]!;
  seen |= index = f[at + 6]!;
  let r6 = w[base + (index & mask)]!;
  seen |= index = f[at + 7]!;
  let r7 = w[base + (index & mask)]!;
  const end = at + n;
  let i = at + 8;
  for (const blocks = end - (n & 7); i < blocks; i += 8) {
    seen |= index = f[i]!;
    r0 += w[base + (index & mask)]!;
    seen |= index = f[i + 1]!;
    r1 += w[base + (index & mask)]!;
    seen |= index = f[i + 2]!;
    r2 += w[base + (index & mask)]!;
    seen |= index = f[i + 3]!;
    r3 += w[base + (index & mask)]!;
    seen |= index = f[i + 4]!;
    r4 += w[base + (index & mask)]!;
    seen |= index = f[i + 5]!;
    r5 += w[base + (index & mask)]!;
    seen |= index = f[i + 6]!;
    r6 += w[base + (index & mask)]!;
    seen |= index = f[i + 7]!;
    r7 += w[base + (index & mask)]!;
  }
  let sum = r0 + r1 + (r2 + r3) + (r4 + r5 + (r6 + r7));
  for (; i < end; i++) {
    seen |= index = f[i]!;
    sum += w[base + (index & mask)]!;
  }
  return (seen & ~mask) === 0 ? sum : NaN;
}

function checkShape(name: string, fits: boolean, expected: string, found: number): void {
  if (!fits) throw new RangeError(`${name}: expected ${expected} values, found ${found}`);
}
