import { addFeatures, createCounts, type FeatureIndices, profileWeights } from './profile.js';
import { distancesTo, type FeatureShape } from './similarity.js';

/** Shape of a sample's features: [documents × layers × k]. */
export interface SampleShape extends FeatureShape {
  readonly documents: number;
}

/** Mean over documents and layers of |NAG ∩ NAG'| / k, for the NAGs of the same documents computed in two ways. */
export function meanOverlap(a: FeatureIndices, b: FeatureIndices, shape: SampleShape): number {
  const { documents, layers, k } = shape;
  const rows = documents * layers;
  let shared = 0;
  for (let row = 0; row < rows; row++) {
    const known = new Set(a.subarray(row * k, (row + 1) * k));
    for (const index of b.subarray(row * k, (row + 1) * k)) if (known.has(index)) shared++;
  }
  return rows === 0 ? 1 : shared / (rows * k);
}

/** Jaccard index of what is selected by the two: the documents nearest to the profile that all of them make. */
export function selectionJaccard(
  a: FeatureIndices,
  b: FeatureIndices,
  shape: SampleShape,
  fraction: number,
): number {
  const [one, two] = [nearest(a, shape, fraction), nearest(b, shape, fraction)];
  const both = one.filter((document) => two.includes(document)).length;
  return both / (one.length + two.length - both);
}

/** Sorted by distance, then position; at least one. */
function nearest(features: FeatureIndices, shape: SampleShape, fraction: number): number[] {
  const { documents, layers, k, width } = shape;
  const counts = createCounts(layers, width);
  addFeatures(counts, features, documents, k);
  const found = new Float64Array(documents);
  distancesTo({ layers, k, width }, [profileWeights(counts, 1)])(features, documents, [found]);
  const order = Array.from(found.keys()).sort((i, j) => found[i]! - found[j]! || i - j);
  return order.slice(0, Math.max(1, Math.round(fraction * documents)));
}
