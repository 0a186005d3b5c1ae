/**
 * Row numbers by ascending value, equal ones in their order.
 * @param ties [rows] decides between equal values before that
 */
export function ascending(values: Float64Array, ties?: Uint32Array): Uint32Array {
  const order = new Uint32Array(values.length);
  for (let row = 0; row < order.length; row++) order[row] = row;
  if (!ties) return order.sort((a, b) => values[a]! - values[b]! || a - b);
  return order.sort((a, b) => values[a]! - values[b]! || ties[a]! - ties[b]! || a - b);
}

/** Ranks from 1; equal values share the mean of theirs, as in `scipy.stats.rankdata`. `order` is `ascending(values)`. */
export function averageRanks(values: Float64Array, order: Uint32Array): Float64Array {
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/** Pearson's correlation; of ranks it is Spearman's. NaN where one side is constant. */
export function correlation(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [covariance, varianceA, varianceB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    covariance += x * y;
    varianceA += x * x;
    varianceB += y * y;
  }
  const found = covariance / Math.sqrt(varianceA * varianceB);
  return Math.max(-1, Math.min(1, found));
}

/** NaN of no values. */
export function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of a sample (n − 1); NaN of fewer than two values. */
export function deviation(values: Float64Array): number {
  if (values.length < 2) return Number.NaN;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** Quantile of sorted values, between two of them linearly (NumPy's default). NaN of no values. */
export function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
}

/**
 * How often a value of `near` is smaller than one of `far`, over all pairs, equal ones counted half: the area under
 * the ROC curve of "small values belong to `near`". Both sorted. NaN where one is empty.
 */
export function smallerShare(near: Float64Array, far: Float64Array): number {
  let [below, upTo, greater] = [0, 0, 0];
  for (const value of near) {
    while (below < far.length && far[below]! < value) below++;
    while (upTo < far.length && far[upTo]! <= value) upTo++;
    greater += far.length - upTo + (upTo - below) / 2;
  }
  return greater / (near.length * far.length);
}

/** Shared members as a part of all members of two sets, given as a flag a row; 1 of two empty sets. */
export function jaccard(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i]! & b[i]!;
    either += a[i]! | b[i]!;
  }
  return either === 0 ? 1 : both / either;
}
