import type { FeatureIndices } from './profile.js';

/**
 * The layers `kept` (from 0, in the order given) of features [rows × layers × k]: [rows × kept.length × k].
 * @throws RangeError when a layer is not there or the array is too short
 */
export function keepLayers(
  features: FeatureIndices,
  rows: number,
  layers: number,
  k: number,
  kept: readonly number[],
): Int32Array {
  if (features.length < rows * layers * k)
    throw new RangeError(`features: expected ${rows} × ${layers} × ${k} values, found ${features.length}`);
  for (const layer of kept)
    if (!(layer >= 0 && layer < layers)) throw new RangeError(`layer ${layer} of ${layers}`);
  const out = new Int32Array(rows * kept.length * k);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const layer of kept) {
      const from = (row * layers + layer) * k;
      out.set(features.subarray(from, from + k), at);
      at += k;
    }
  }
  return out;
}
