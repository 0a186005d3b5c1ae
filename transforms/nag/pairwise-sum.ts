const BLOCK = 128;

/**
 * The sum of `n` float64 values from `start`, rounded as `np.sum` over contiguous values rounds it: fewer than 8
 * left to right, up to 128 in eight partial sums, more by halves that are multiples of 8.
 * (`pairwise_sum` in NumPy's loops_utils.h.src)
 */
export function pairwiseSum(values: Float64Array, start = 0, n = values.length - start): number {
  if (n > BLOCK) {
    const half = n >>> 1;
    const first = half - (half % 8);
    return pairwiseSum(values, start, first) + pairwiseSum(values, start + first, n - first);
  }
  return n < 8 ? sumInTurn(values, start, start + n, 0) : sumInEight(values, start, n);
}

function sumInTurn(values: Float64Array, start: number, end: number, first: number): number {
  let sum = first;
  for (let i = start; i < end; i++) sum += values[i]!;
  return sum;
}

function sumInEight(v: Float64Array, start: number, n: number): number {
  let r0 = v[start]!;
  let r1 = v[start + 1]!;
  let r2 = v[start + 2]!;
  let r3 = v[start + 3]!;
  let r4 = v[start + 4]!;
  let r5 = v[start + 5]!;
  let r6 = v[start + 6]!;
  let r7 = v[start + 7]!;
  const blocks = start + n - (n % 8);
  for (let i = start + 8; i < blocks; i += 8) {
    r0 += v[i]!;
    r1 += v[i + 1]!;
    r2 += v[i + 2]!;
    r3 += v[i + 3]!;
    r4 += v[i + 4]!;
    r5 += v[i + 5]!;
    r6 += v[i + 6]!;
    r7 += v[i + 7]!;
  }
  const sum = r0 + r1 + (r2 + r3) + (r4 + r5 + (r6 + r7));
  return sumInTurn(v, blocks, start + n, sum);
}
