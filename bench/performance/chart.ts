/** Horizontal bars, one a line. */
export interface Bars {
  /** Its file's name, without ending. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly label: string; readonly value: number; readonly ours?: boolean }[];
}

const width = 760;
const labels = 250;
const line = 30;
const top = 48;

/** The chart as an SVG file. */
export function barChart({ title, unit, bars }: Bars): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const room = width - labels - 200;
  const height = top + bars.length * line + 14;
  const lines = bars.flatMap(({ label, value, ours }, i) => {
    const y = top + i * line;
    const length = Math.max(1, (value / most) * room);
    return [
      `<text x="${labels - 10}" y="${y + 15}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${labels}" y="${y}" width="${length.toFixed(1)}" height="20" rx="3" fill="${ours ? '#0072B2' : '#BDBDC2'}"/>`,
      `<text x="${(labels + length + 8).toFixed(1)}" y="${y + 15}">${escaped(`${shown(value)} ${unit}`)}</text>`,
    ];
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="'Helvetica Neue', Helvetica, Arial, sans-serif" font-size="13" fill="#1B1B1F">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#FFFFFF"/>`,
    `<text x="16" y="28" font-size="16" font-weight="700">${escaped(title)}</text>`,
    ...lines,
    '</svg>',
  ].join('\n')}\n`;
}

/** Three digits that count, thousands set apart. */
export function shown(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
