import type { FeatureIndices } from './profile.js';

/** NAGs of documents: [rows × layers × k] indices below the width. */
export interface Nags {
  readonly features: FeatureIndices;
  readonly rows: number;
  readonly layers: number;
  readonly k: number;
  readonly width: number;
}

export interface Clustering {
  /** Cluster of each row, from 0. */
  readonly clusters: Int32Array;
  /** Sum of the squared distances of the rows to their centres. */
  readonly inertia: number;
}

/**
 * K-Means of NAGs as 0/1 vectors of layers × width, in which the squared Euclidean distance of two documents is
 * 2·layers·k·(1 − similarity), similarity = |NAG ∩ NAG'|/(layers·k). Lloyd's algorithm from k-means++ centres (Arthur
 * and Vassilvitskii 2007), which `random`, numbers in [0, 1), draws. Rows at equal distance go to the lower cluster; a
 * cluster that loses all its rows takes the row farthest from its centre, so that it is empty only where there are fewer
 * different NAGs.
 */
export function kmeans(nags: Nags, clusters: number, random: () => number): Clustering {
  let centres = firstCentres(nags, clusters, random);
  const assigned = new Int32Array(nags.rows).fill(-1);
  const distances = new Float64Array(nags.rows);
  for (let turn = 0; turn < maxTurns && assign(nags, centres, assigned, distances); turn++) {
    fillEmpty(assigned, distances, clusters);
    centres = means(nags, assigned, clusters);
  }
  return { clusters: assigned, inertia: distances.reduce((sum, distance) => sum + distance, 0) };
}

const maxTurns = 300;

/** A centre [layers × width] and its squared length. */
interface Centre {
  readonly mean: Float64Array;
  square: number;
}

/** Gives each row its nearest centre; whether any row changed. */
function assign(
  nags: Nags,
  centres: readonly Centre[],
  assigned: Int32Array,
  distances: Float64Array,
): boolean {
  let changed = false;
  for (let row = 0; row < nags.rows; row++) {
    let [nearest, least] = [0, Infinity];
    for (const [cluster, centre] of centres.entries()) {
      const distance = squaredDistance(nags, row, centre);
      if (distance < least) [nearest, least] = [cluster, distance];
    }
    changed ||= assigned[row] !== nearest;
    assigned[row] = nearest;
    distances[row] = least;
  }
  return changed;
}

function fillEmpty(assigned: Int32Array, distances: Float64Array, clusters: number): void {
  const counts = new Int32Array(clusters);
  for (const cluster of assigned) counts[cluster]!++;
  for (let cluster = 0; cluster < clusters; cluster++) {
    if (counts[cluster]! > 0) continue;
    const farthest = distances.reduce((most, d, row) => (d > distances[most]! ? row : most), 0);
    if (distances[farthest]! <= 0) return;
    counts[assigned[farthest]!]!--;
    counts[cluster]!++;
    assigned[farthest] = cluster;
    distances[farthest] = 0;
  }
}

function means(nags: Nags, assigned: Int32Array, clusters: number): Centre[] {
  const size = nags.layers * nags.width;
  const sums = Array.from({ length: clusters }, () => new Float64Array(size));
  const counts = new Int32Array(clusters);
  for (let row = 0; row < nags.rows; row++) {
    addRow(nags, row, sums[assigned[row]!]!);
    counts[assigned[row]!]!++;
  }
  return sums.map((sum, cluster) => centreOf(sum.map((count) => count / Math.max(1, counts[cluster]!))));
}

/** k-means++: each next centre is a row, taken with a chance in proportion to its squared distance to the nearest before. */
function firstCentres(nags: Nags, clusters: number, random: () => number): Centre[] {
  const centres = [rowCentre(nags, Math.floor(random() * nags.rows))];
  const nearest = new Float64Array(nags.rows).fill(Infinity);
  while (centres.length < clusters) {
    const last = centres.at(-1)!;
    let sum = 0;
    for (let row = 0; row < nags.rows; row++) {
      nearest[row] = Math.min(nearest[row]!, squaredDistance(nags, row, last));
      sum += nearest[row]!;
    }
    let left = random() * sum;
    let drawn = 0;
    for (; drawn < nags.rows - 1 && left >= nearest[drawn]!; drawn++) left -= nearest[drawn]!;
    centres.push(rowCentre(nags, drawn));
  }
  return centres;
}

function rowCentre(nags: Nags, row: number): Centre {
  const mean = new Float64Array(nags.layers * nags.width);
  addRow(nags, row, mean);
  return centreOf(mean);
}

function centreOf(mean: Float64Array): Centre {
  return { mean, square: mean.reduce((sum, x) => sum + x * x, 0) };
}

function addRow({ features, layers, k, width }: Nags, row: number, into: Float64Array): void {
  let at = row * layers * k;
  for (let base = 0; base < layers * width; base += width)
    for (const end = at + k; at < end; at++) into[base + features[at]!]!++;
}

/** |x − c|² = |x|² − 2·x·c + |c|², at least 0 whatever the rounding. */
function squaredDistance(
  { features, layers, k, width }: Nags,
  row: number,
  { mean, square }: Centre,
): number {
  let at = row * layers * k;
  let product = 0;
  for (let base = 0; base < layers * width; base += width)
    for (const end = at + k; at < end; at++) product += mean[base + features[at]!]!;
  return Math.max(0, layers * k - 2 * product + square);
}
