// AssemblyScript, compiled to sums.wasm; `kernel.ts` beside this folder calls it. It sums weights of neurons exactly as
// NumPy does (see pairwise-sum.ts), for one target (T = f64) or two at a time (T = v128: a lane each), with
// neuron indices of 16 or 32 bits (I = u16 or u32). Addresses and sizes are in bytes unless they are called a count.

/** Longest run that is summed without being halved. */
const BLOCK: usize = 128;

/** Indices from `limit` on, negative ones too, become `limit`, whose weight is 0. Whole vectors: may write 15 bytes more. */
export function clamp16(at: usize, bytes: usize, limit: i32): void {
  const most = i16x8.splat(<i16>limit);
  for (const end = at + bytes; at < end; at += 16) v128.store(at, v128.min<u16>(v128.load(at), most));
}

export function clamp32(at: usize, bytes: usize, limit: i32): void {
  const most = i32x4.splat(limit);
  for (const end = at + bytes; at < end; at += 16) v128.store(at, v128.min<u32>(v128.load(at), most));
}

/**
 * Reads a table from end to end, a cache line after the other: it is fetched faster than by the random look-ups that
 * follow. The result only keeps the loads from being left out.
 */
export function fetch(table: usize, bytes: usize): f64 {
  let seen: f64 = 0;
  for (const end = table + bytes; table < end; table += 64) seen += load<f64>(table);
  return seen;
}

/**
 * A layer: `sums[row] += Σ_k table[features[row][k]]`
 * @param features [rows × k] of I, `row` bytes from one row to the next
 * @param table [entries] of T
 * @param sums [rows] of T
 */
@inline
function addLayer<I, T>(
  features: usize, rows: usize, row: usize, k: usize, table: usize, sums: usize,
): void {
  for (const end = sums + rows * sizeof<T>(); sums < end; sums += sizeof<T>(), features += row) {
    const own = k > BLOCK ? pairwise<I, T>(features, k, table) : sumInEight<I, T>(features, k, table);
    store<T>(sums, add<T>(load<T>(sums), own));
  }
}

export function one16(
  features: usize, rows: usize, row: usize, k: usize, table: usize, sums: usize,
): void {
  addLayer<u16, f64>(features, rows, row, k, table, sums);
}

export function two16(
  features: usize, rows: usize, row: usize, k: usize, table: usize, sums: usize,
): void {
  addLayer<u16, v128>(features, rows, row, k, table, sums);
}

export function one32(
  features: usize, rows: usize, row: usize, k: usize, table: usize, sums: usize,
): void {
  addLayer<u32, f64>(features, rows, row, k, table, sums);
}

export function two32(
  features: usize, rows: usize, row: usize, k: usize, table: usize, sums: usize,
): void {
  addLayer<u32, v128>(features, rows, row, k, table, sums);
}

/** The weights of `n` indices, more than one run by halves. */
function pairwise<I, T>(at: usize, n: usize, table: usize): T {
  if (n <= BLOCK) return sumInEight<I, T>(at, n, table);
  const half = n >> 1;
  const first = half - (half & 7);
  const rest = at + first * sizeof<I>();
  return add<T>(pairwise<I, T>(at, first, table), pairwise<I, T>(rest, n - first, table));
}

/** Eight partial sums, then what is left over in turn; fewer than 8 are all left over. */
@inline
function sumInEight<I, T>(at: usize, n: usize, table: usize): T {
  const end = at + n * sizeof<I>();
  let all = zero<T>();
  if (n >= 8) {
    let r0 = weight<I, T>(at, 0, table);
    let r1 = weight<I, T>(at, 1, table);
    let r2 = weight<I, T>(at, 2, table);
    let r3 = weight<I, T>(at, 3, table);
    let r4 = weight<I, T>(at, 4, table);
    let r5 = weight<I, T>(at, 5, table);
    let r6 = weight<I, T>(at, 6, table);
    let r7 = weight<I, T>(at, 7, table);
    const eights = at + (n & ~7) * sizeof<I>();
    for (at += 8 * sizeof<I>(); at < eights; at += 8 * sizeof<I>()) {
      r0 = add<T>(r0, weight<I, T>(at, 0, table));
      r1 = add<T>(r1, weight<I, T>(at, 1, table));
      r2 = add<T>(r2, weight<I, T>(at, 2, table));
      r3 = add<T>(r3, weight<I, T>(at, 3, table));
      r4 = add<T>(r4, weight<I, T>(at, 4, table));
      r5 = add<T>(r5, weight<I, T>(at, 5, table));
      r6 = add<T>(r6, weight<I, T>(at, 6, table));
      r7 = add<T>(r7, weight<I, T>(at, 7, table));
    }
    all = add<T>(add<T>(add<T>(r0, r1), add<T>(r2, r3)), add<T>(add<T>(r4, r5), add<T>(r6, r7)));
  }
  for (; at < end; at += sizeof<I>()) all = add<T>(all, weight<I, T>(at, 0, table));
  return all;
}

@inline
function weight<I, T>(at: usize, i: usize, table: usize): T {
  return load<T>(table + <usize>load<I>(at + i * sizeof<I>()) * sizeof<T>());
}

@inline
function add<T>(a: T, b: T): T {
  return isVector<T>() ? f64x2.add(a, b) : a + b;
}

@inline
function zero<T>(): T {
  return isVector<T>() ? f64x2.splat(0) : 0;
}
