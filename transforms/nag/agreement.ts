/** How well a clustering agrees with labels; each is 1 for a perfect one. */
export interface Agreement {
  /** Share of rows that have the commonest label of their cluster. */
  readonly purity: number;
  /** Normalized mutual information, I/√(H·H). 0 where there is but one cluster or label, 1 where there is one of both. */
  readonly nmi: number;
  /** Rand index adjusted for chance (Hubert and Arabie 1985). About 0 for a random clustering. */
  readonly ari: number;
}

/** Compares two labelings of the same rows, at least one; labels are small integers from 0 (NAG.md §9). */
export function agreement(labels: ArrayLike<number>, clusters: ArrayLike<number>): Agreement {
  const table = contingency(labels, clusters);
  const ofLabels = table.reduce(
    (sums, row) => sums.map((sum, i) => sum + row[i]!),
    table[0]!.map(() => 0),
  );
  const ofClusters = table.map((row) => row.reduce((sum, count) => sum + count, 0));
  return {
    purity: table.reduce((sum, row) => sum + Math.max(...row), 0) / labels.length,
    nmi: mutualInformation(table, ofClusters, ofLabels, labels.length),
    ari: adjustedRand(table.flat(), ofClusters, ofLabels, labels.length),
  };
}

/** Rows by [cluster][label]; a label or cluster without rows changes nothing. */
export function contingency(labels: ArrayLike<number>, clusters: ArrayLike<number>): number[][] {
  const size = (of: ArrayLike<number>) =>
    Array.from(of).reduce((most, value) => Math.max(most, value + 1), 0);
  const width = size(labels);
  const table = Array.from({ length: size(clusters) }, () => new Array<number>(width).fill(0));
  for (let row = 0; row < labels.length; row++) {
    const counts = table[clusters[row]!]!;
    counts[labels[row]!] = counts[labels[row]!]! + 1;
  }
  return table;
}

function mutualInformation(
  table: readonly (readonly number[])[],
  ofClusters: readonly number[],
  ofLabels: readonly number[],
  n: number,
): number {
  const [h, g] = [entropy(ofClusters, n), entropy(ofLabels, n)];
  if (h === 0 && g === 0) return 1;
  if (h === 0 || g === 0) return 0;
  let information = 0;
  for (const [c, row] of table.entries())
    for (const [l, count] of row.entries())
      if (count > 0) information += (count / n) * Math.log((count * n) / (ofClusters[c]! * ofLabels[l]!));
  return Math.max(0, information) / Math.sqrt(h * g);
}

/** In nats. */
function entropy(counts: readonly number[], n: number): number {
  return counts.reduce((sum, count) => sum - (count === 0 ? 0 : (count / n) * Math.log(count / n)), 0);
}

function adjustedRand(
  cells: readonly number[],
  ofClusters: readonly number[],
  ofLabels: readonly number[],
  n: number,
): number {
  const pairs = (counts: readonly number[]) =>
    counts.reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
  const [both, clusters, labels, all] = [pairs(cells), pairs(ofClusters), pairs(ofLabels), (n * (n - 1)) / 2];
  if (both === clusters && both === labels) return 1;
  const expected = (clusters * labels) / all;
  return (both - expected) / ((clusters + labels) / 2 - expected);
}
