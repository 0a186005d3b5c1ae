import { pairwiseSum } from './pairwise-sum.js';
import type { FeatureIndices } from './profile.js';

/** The neurons that add most to the similarities of rows, and what each layer adds. */
export interface Reasons {
  /** For each row where its reasons start; one more for the end. [rows + 1] */
  readonly offsets: Int32Array;
  readonly layer: Int32Array;
  readonly neuron: Int32Array;
  /** `weights[layer][neuron] / layers`: those of all neurons of a row sum to its similarity. */
  readonly weight: Float64Array;
  /** [rows × layers]; each row sums to its similarity */
  readonly layerShares: Float64Array;
}

/**
 * The terms of the similarity (1/layers) · Σ_l Σ_k weights[l][features[row][l][k]] (paper 2.3): of each row the `top`
 * largest that are not zero, largest first, equal ones by layer and then by neuron. With a background, by how much they
 * are larger than its: what all documents have in common is no reason.
 * @param features [rows × layers × k]; an index outside the table counts 0
 * @param weightsOf the target's profile for a row, [layers × width]
 * @param background another profile, of what is usual [layers × width]
 */
export function reasons(
  features: FeatureIndices,
  shape: { readonly rows: number; readonly layers: number; readonly k: number; readonly width: number },
  weightsOf: (row: number) => Float64Array,
  top: number,
  background?: Float64Array,
): Reasons {
  const { rows, layers, k, width } = shape;
  const offsets = new Int32Array(rows + 1);
  const layerShares = new Float64Array(rows * layers);
  const found: Term[] = [];
  const gathered = new Float64Array(k);
  for (let row = 0; row < rows; row++) {
    const weights = weightsOf(row);
    const terms: Term[] = [];
    for (let layer = 0; layer < layers; layer++) {
      for (let i = 0; i < k; i++) {
        const neuron = features[(row * layers + layer) * k + i]!;
        const at = neuron >= 0 && neuron < width ? layer * width + neuron : -1;
        gathered[i] = weights[at] ?? 0;
        if (gathered[i]! === 0) continue;
        const weight = gathered[i]! / layers;
        terms.push({ layer, neuron, weight, excess: weight - (background?.[at] ?? 0) / layers });
      }
      layerShares[row * layers + layer] = pairwiseSum(gathered) / layers;
    }
    terms.sort(byExcess);
    for (const term of terms.slice(0, top)) found.push(term);
    offsets[row + 1] = found.length;
  }
  return {
    offsets,
    layer: Int32Array.from(found, (term) => term.layer),
    neuron: Int32Array.from(found, (term) => term.neuron),
    weight: Float64Array.from(found, (term) => term.weight),
    layerShares,
  };
}

interface Term {
  readonly layer: number;
  readonly neuron: number;
  readonly weight: number;
  /** Above the background. */
  readonly excess: number;
}

function byExcess(a: Term, b: Term): number {
  return b.excess - a.excess || a.layer - b.layer || a.neuron - b.neuron;
}
