/** Points with a label each, and the words around them. */
export interface Picture {
  readonly title: string;
  readonly subtitle: string;
  /** Heading of the legend. */
  readonly by: string;
  /** Labels in the order of the legend, with what is said of their number. */
  readonly names: readonly string[];
  readonly counts: readonly string[];
  /** [n × 2] */
  readonly points: Float64Array;
  /** Index into `names` of each point. */
  readonly labels: ArrayLike<number>;
  /** Shown where the pointer rests on a point. */
  readonly hints: readonly string[];
  /** Words at the two axes, where they mean something. */
  readonly axes?: readonly [string, string] | undefined;
}

/** Okabe and Ito's colours, which colour-blind people tell apart; their yellow is too pale on white. */
const colours = ['#0072B2', '#E69F00', '#009E73', '#D55E00', '#56B4E9', '#CC79A7', '#3D3D3D'];
const otherColour = '#BDBDC2';
/** Marks within a square of ±1. A seventh colour is followed by the first with another mark. */
const marks = [
  '<circle r="1"/>',
  '<path d="M0,-1.2 1.15,.85 -1.15,.85Z"/>',
  '<path d="M-.9,-.9H.9V.9H-.9Z"/>',
  '<path d="M0,-1.3 1.3,0 0,1.3 -1.3,0Z"/>',
];
const most = colours.length * marks.length - 4;

const width = 1060;
const height = 720;
const panel = { x: 40, y: 88, width: 680, height: 596 };
const legend = { x: 752, y: 88, width: width - 752 - 40 };
const ink = '#1B1B1F';
const soft = '#62626B';

/** The picture as an SVG file of 1060 × 720 units. */
export function toSvg(picture: Picture): string {
  const { names, axes } = picture;
  const shown = names.length <= most ? names.length : most - 1;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Lato, 'Helvetica Neue', Helvetica, Arial, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#FFFFFF"/>`,
    text(panel.x, 42, picture.title, { size: 23, weight: 700, room: width - 2 * panel.x }),
    text(panel.x, 66, picture.subtitle, { size: 13.5, fill: soft, room: width - 2 * panel.x }),
    `<rect x="${panel.x}" y="${panel.y}" width="${panel.width}" height="${panel.height}" rx="8" fill="#FAFAFB" stroke="#E2E2E7"/>`,
    ...(axes ? axisTexts(axes) : []),
    ...pointElements(picture, shown),
    ...legendElements(picture, shown),
    '</svg>',
  ].join('\n')}\n`;
}

function pointElements({ points, labels, hints }: Picture, shown: number): string[] {
  const n = points.length / 2;
  const size = n <= 150 ? 6 : n <= 600 ? 4.6 : n <= 2500 ? 3.4 : 2.6;
  const place = placer(points, 3 * size + 6);
  const elements = Array.from({ length: n }, (_, i) =>
    mark(labels[i]!, shown, place(i), size, `<title>${escaped(hints[i]!)}</title>`),
  );
  return [`<g fill-opacity=".82" stroke="#FFFFFF" stroke-opacity=".9">`, ...elements, '</g>'];
}

/** From coordinates to the panel: one scale for both axes, in the middle. */
function placer(points: Float64Array, margin: number): (i: number) => readonly [number, number] {
  const range = (axis: number) => {
    let [low, high] = [Infinity, -Infinity];
    for (let at = axis; at < points.length; at += 2) {
      low = Math.min(low, points[at]!);
      high = Math.max(high, points[at]!);
    }
    return { middle: (low + high) / 2, length: high - low };
  };
  const [x, y] = [range(0), range(1)];
  const scale = Math.min((panel.width - 2 * margin) / x.length, (panel.height - 2 * margin) / y.length);
  const factor = Number.isFinite(scale) ? scale : 0;
  return (i) => [
    panel.x + panel.width / 2 + (points[2 * i]! - x.middle) * factor,
    panel.y + panel.height / 2 - (points[2 * i + 1]! - y.middle) * factor,
  ];
}

function mark(
  label: number,
  shown: number,
  [x, y]: readonly [number, number],
  size: number,
  inside = '',
): string {
  const other = label >= shown;
  const fill = other ? otherColour : colours[label % colours.length]!;
  const shape = marks[other ? 0 : Math.floor(label / colours.length)]!;
  const at = `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${size})`;
  return `<g transform="${at}" fill="${fill}" stroke-width="${(0.8 / size).toFixed(2)}">${inside}${shape}</g>`;
}

function legendElements({ by, names, counts }: Picture, shown: number): string[] {
  const rest = names.length - shown;
  const lines = [
    ...names.slice(0, shown).map((name, i) => ({ name, count: counts[i]! })),
    ...(rest > 0 ? [{ name: `${rest} more values`, count: '' }] : []),
  ];
  const step = Math.min(27, (panel.height - 34) / lines.length);
  const elements = lines.flatMap(({ name, count }, i) => {
    const y = legend.y + 44 + i * step;
    const room = legend.width - 26 - textWidth(count, 13.5) - 10;
    return [
      mark(i, shown, [legend.x + 8, y - 4.7], 6),
      text(legend.x + 26, y, name, { size: 14.5, room }),
      text(legend.x + legend.width, y, count, { size: 13.5, fill: soft, end: true }),
    ];
  });
  const heading = text(legend.x, legend.y + 14, by, {
    size: 13.5,
    weight: 700,
    fill: soft,
    room: legend.width,
  });
  return [heading, ...elements];
}

/** Below the panel, and to its left from below to above. */
function axisTexts([across, up]: readonly [string, string]): string[] {
  const style = { size: 12.5, fill: soft, end: true };
  const [right, x] = [panel.x + panel.width, panel.x - 12];
  return [
    text(right, panel.y + panel.height + 20, across, style),
    `<g transform="rotate(-90 ${x} ${panel.y})">${text(x, panel.y, up, style)}</g>`,
  ];
}

interface TextStyle {
  readonly size: number;
  readonly weight?: number;
  readonly fill?: string;
  /** Right-aligned at x. */
  readonly end?: boolean;
  /** Longer text is cut. */
  readonly room?: number;
}

function text(x: number, y: number, content: string, style: TextStyle): string {
  const { size, weight = 400, fill = ink, end = false, room = Infinity } = style;
  const anchor = end ? ' text-anchor="end"' : '';
  return `<text x="${x}" y="${y.toFixed(1)}" font-size="${size}" font-weight="${weight}" fill="${fill}"${anchor}>${escaped(cut(content, size, room))}</text>`;
}

function cut(content: string, size: number, room: number): string {
  if (textWidth(content, size) <= room) return content;
  const letters = [...content];
  while (letters.length > 0 && textWidth(`${letters.join('')}…`, size) > room) letters.pop();
  return `${letters.join('').trimEnd()}…`;
}

/** About the width of a text, rather more: letters of other scripts may be square. */
function textWidth(content: string, size: number): number {
  return [...content].reduce((sum, letter) => sum + size * letterWidth(letter), 0);
}

function letterWidth(letter: string): number {
  if (/[^ -\u04ff\u2000-\u22ff]/u.test(letter)) return 1.05;
  if (/[ijlftrI.,:;'|!()[\] ]/.test(letter)) return 0.36;
  return /[mwMW@%—…]/.test(letter) ? 0.88 : /[A-Z]/.test(letter) ? 0.68 : 0.57;
}

/** Text for XML; what XML cannot hold becomes a replacement character, and white space one space. */
function escaped(content: string): string {
  return content
    .replace(/\s+/g, ' ')
    .toWellFormed()
    .replace(/[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}
