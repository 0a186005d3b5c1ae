/** `count` row numbers from `first` on: there is one for each row that is read, and `Uint32Array.from` takes ten times as long. */
export function rowRange(first: number, count: number): Uint32Array {
  const rows = new Uint32Array(count);
  for (let i = 0; i < count; i++) rows[i] = first + i;
  return rows;
}
