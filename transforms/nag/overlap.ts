import type { FeatureIndices } from './profile.js';

/**
 * How many neurons the NAGs of each two documents share, |NAG ∩ NAG'|: [rows × rows], symmetric, layers × k on the
 * diagonal. These are the inner products of the NAGs as 0/1 vectors. Features are [rows × layers × k].
 * @throws RangeError where an index is not below the width.
 */
export function sharedNeurons(
  features: FeatureIndices,
  rows: number,
  layers: number,
  k: number,
  width: number,
): Float64Array {
  const shared = new Float64Array(rows * rows);
  const members: number[][] = Array.from({ length: layers * width }, () => []);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let layer = 0; layer < layers; layer++) {
      for (const end = (row * layers + layer + 1) * k; at < end; at++) {
        const index = features[at]!;
        if (!(index >= 0 && index < width))
          throw new RangeError(`row ${row}: neuron index ${index}, but the layer has ${width} neurons`);
        const others = members[layer * width + index]!;
        others.push(row);
        for (const other of others) shared[row * rows + other]!++;
      }
    }
  }
  for (let row = 0; row < rows; row++)
    for (let other = 0; other < row; other++) shared[other * rows + row] = shared[row * rows + other]!;
  return shared;
}
