import { createCut, takeNext } from './cut.js';

/**
 * A flag a row: whether it is among the nearest, in an order of rows that is ascending by distance: the first
 * `trunc(rows × fraction)`, or where tokens are given the longest prefix within `trunc(total × fraction)` of them
 * (NAG.md §4). At least the first row, where there is one.
 */
export function nearest(order: Uint32Array, fraction: number, tokens: Float64Array | undefined): Uint8Array {
  const flags = new Uint8Array(order.length);
  const total = tokens === undefined ? order.length : tokens.reduce((sum, count) => sum + count, 0);
  const cut = createCut(Math.trunc(total * fraction));
  for (const row of order) {
    if (!takeNext(cut, tokens?.[row] ?? 1)) break;
    flags[row] = 1;
  }
  return flags;
}
