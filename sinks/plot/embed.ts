import { setImmediate } from 'node:timers/promises';
import { sharedNeurons } from '../../transforms/nag/overlap.js';
import { normal, seededRandom } from '../../transforms/nag/seeded-random.js';
import { createTsne, stepTsne } from '../../transforms/nag/tsne.js';
import type { Labelled } from '../labelled.js';
import { principal } from './principal.js';

/** How NAGs become points in the plane. */
export interface Method {
  readonly method: 'tsne' | 'pca';
  readonly distance: 'nag' | 'indices';
  readonly standardize: boolean;
  /** Principal components that are kept before, with `distance: indices`. */
  readonly pca?: number | undefined;
  readonly perplexity: number;
  readonly seed: number;
}

export interface Embedding {
  /** [n × 2] */
  readonly points: Float64Array;
  /** With `pca`: the share of the variance that each axis has. */
  readonly shares?: Float64Array;
  /** With `tsne`: the perplexity that n allows. */
  readonly perplexity?: number;
}

const steps = 1000;

/** Points of the rows; t-SNE starts from their PCA (NAG.md §9). */
export async function embed(rows: Labelled, method: Method, signal: AbortSignal): Promise<Embedding> {
  const n = rows.labels.length;
  const gram = method.distance === 'nag' ? sharedOf(rows) : indexProducts(rows, method);
  const { scores, shares } = principal(gram, n, 2);
  if (method.method === 'pca') return { points: scores, shares };
  const distances = method.distance === 'nag' ? nagDistances(gram, rows) : euclidean(gram, n);
  const perplexity = allowedPerplexity(method.perplexity, n);
  const tsne = createTsne(distances, n, perplexity, startOf(scores, method.seed));
  while (tsne.steps < steps) {
    stepTsne(tsne);
    await setImmediate();
    signal.throwIfAborted();
  }
  return { points: tsne.points, perplexity };
}

/** At most max(5, (n − 1)/3), as the reference has it. */
export function allowedPerplexity(perplexity: number, n: number): number {
  return Math.min(perplexity, Math.max(5, (n - 1) / 3));
}

function sharedOf({ features, labels, info }: Labelled): Float64Array {
  return sharedNeurons(features, labels.length, info.layers, info.k, info.width);
}

/** 1 − |NAG ∩ NAG'|/(layers·k) */
function nagDistances(shared: Float64Array, { info }: Labelled): Float64Array {
  return shared.map((count) => 1 - count / (info.layers * info.k));
}

/** Inner products of the centred index lists as coordinates, after `standardize` and `pca`. */
function indexProducts(rows: Labelled, { standardize, pca }: Method): Float64Array {
  const n = rows.labels.length;
  const size = rows.info.layers * rows.info.k;
  const products = productsOf(coordinates(rows.features, n, size, standardize), n, size);
  if (pca === undefined || pca >= Math.min(n, size)) return products;
  return productsOf(principal(products, n, pca).scores, n, pca);
}

/** [n × size]: indices less the mean of their column, divided by its standard deviation where asked for. */
function coordinates(
  features: ArrayLike<number>,
  n: number,
  size: number,
  standardize: boolean,
): Float64Array {
  const out = Float64Array.from(features);
  for (let column = 0; column < size; column++) {
    let [sum, squares] = [0, 0];
    for (let at = column; at < out.length; at += size) sum += out[at]!;
    for (let at = column; at < out.length; at += size) {
      out[at] = out[at]! - sum / n;
      squares += out[at]! ** 2;
    }
    const scale = standardize && squares > 0 ? Math.sqrt(squares / n) : 1;
    for (let at = column; at < out.length; at += size) out[at] = out[at]! / scale;
  }
  return out;
}

function productsOf(values: Float64Array, n: number, size: number): Float64Array {
  const products = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let at = 0; at < size; at++) sum += values[i * size + at]! * values[j * size + at]!;
      products[i * n + j] = sum;
      products[j * n + i] = sum;
    }
  return products;
}

function euclidean(gram: Float64Array, n: number): Float64Array {
  return gram.map((product, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return Math.sqrt(Math.max(0, gram[i * n + i]! + gram[j * n + j]! - 2 * product));
  });
}

/** The two axes at a scale of 1e-4, as scikit-learn starts; an axis without variance has noise instead, or it stayed so. */
function startOf(scores: Float64Array, seed: number): Float64Array {
  const draw = normal(seededRandom(seed));
  const deviation = (axis: number) => {
    const squares = scores.reduce((sum, x, at) => sum + (at % 2 === axis ? x * x : 0), 0);
    return Math.sqrt((2 * squares) / scores.length);
  };
  const [first, second] = [deviation(0), deviation(1)];
  return scores.map((x, at) => 1e-4 * ((at % 2 === 0 ? first : second) > 0 ? x / first : draw()));
}
