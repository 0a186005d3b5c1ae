/**
 * Indices of the k largest values of each row, largest first, equal values by lower index (paper 2.2).
 * @param values [rows × width]
 * @returns [rows × k]
 */
export function largest(
  values: Float32Array | Float64Array,
  rows: number,
  width: number,
  k: number,
): Int32Array {
  const result = new Int32Array(rows * k);
  const order = new Int32Array(width);
  for (let row = 0; row < rows; row++) {
    const base = row * width;
    for (let i = 0; i < width; i++) order[i] = i;
    order.sort((a, b) => values[base + b]! - values[base + a]! || a - b);
    result.set(order.subarray(0, k), row * k);
  }
  return result;
}
