import { pairwiseSum } from './pairwise-sum.js';

/**
 * How far a profile has moved: mean over layers of `½ Σ |a − b|`, the total variation distance of the two distributions
 * of a layer. 0 where they are equal, 1 where no neuron is in both.
 * @param a [layers × width] each layer sums to 1
 * @param b [layers × width]
 * @throws RangeError where their sizes are not those of `layers` layers
 */
export function profileDrift(a: Float64Array, b: Float64Array, layers: number): number {
  if (a.length !== b.length || layers < 1 || a.length % layers !== 0)
    throw new RangeError(`profiles of ${layers} layers: ${a.length} and ${b.length} weights`);
  const width = a.length / layers;
  const differences = a.map((weight, i) => Math.abs(weight - b[i]!));
  const byLayer = Float64Array.from(
    { length: layers },
    (_, layer) => pairwiseSum(differences, layer * width, width) / 2,
  );
  return pairwiseSum(byLayer, 0, layers) / layers;
}
