/** A table as text: columns of numbers to the right, others to the left, nothing after the last column. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const isNumber = header.map((_, i) => rows.every((row) => /^[-\d.,%± ]*$/.test(row[i]!)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')}`.trimEnd();
  return [line(header), ...rows.map(line)].join('\n');
}
