import { extname } from 'node:path';
import { z } from 'zod';
import { defineSink, path } from '../pipeline/component.js';
import { featureNeeds } from '../transforms/columns.js';
import { checkLabelled, type Labelled, labelledOptions, readLabelled } from './labelled.js';
import { type Embedding, embed } from './plot/embed.js';
import { toPng } from './plot/png.js';
import { toSvg } from './plot/svg.js';
import { stageFiles, type WholeFile } from './stage-files.js';

const kinds = ['.png', '.svg', '.jsonl'] as const;
type Kind = (typeof kinds)[number];

const options = z
  .strictObject({
    path: z
      .union([path(), z.array(path()).min(1)])
      .describe('One file or several, by their ending: .png, .svg, or .jsonl for the points themselves'),
    ...labelledOptions,
    max_rows: z
      .int()
      .min(10)
      .max(5000)
      .default(2000)
      .describe('At most so many rows, a random sample: time and memory grow with their square'),
    title: z.string().optional().describe('Above the picture'),
    method: z.enum(['tsne', 'pca']).default('tsne').describe('How NAGs become points'),
    distance: z
      .enum(['nag', 'indices'])
      .default('nag')
      .describe("nag: 1 − |NAG∩NAG'|/(L·K). indices: neuron indices as coordinates, as the reference does"),
    standardize: z
      .boolean()
      .default(false)
      .describe('With distance: indices, divide each coordinate by its standard deviation'),
    pca: z
      .int()
      .min(2)
      .optional()
      .describe('With distance: indices, keep so many principal components before t-SNE (the reference: 50)'),
    perplexity: z
      .number()
      .min(1)
      .default(30)
      .describe('About how many neighbours t-SNE looks at; at most max(5, (rows − 1)/3) is used'),
  })
  .refine(({ distance, standardize, pca }) => distance === 'indices' || (!standardize && pca === undefined), {
    message: 'standardize and pca are for distance: indices',
  })
  .refine(({ path: given }) => [given].flat().every((file) => kindOf(file)), {
    message: 'a path must end in .png, .svg or .jsonl',
    path: ['path'],
  })
  .refine(({ path: given }) => new Set([given].flat()).size === [given].flat().length, {
    message: 'a path is there twice',
    path: ['path'],
  });

type Options = z.output<typeof options>;

/** Rows that the methods need: fewer cannot have the smallest perplexity, or two axes. */
const least = { tsne: 7, pca: 3 } as const;

/** Sink: a picture of the documents' NAGs, coloured by a label (NAG.md §9). */
export const plot = defineSink({
  name: 'plot',
  summary: 'Draw the NAGs of documents in the plane by t-SNE or PCA, coloured by a label column',
  options,
  example: `
    - {use: read.jsonl, with: {path: "docs/*.jsonl"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {use: plot, with: {path: [out/nags.png, out/nags.svg], by: category, per_label: 300}}`,
  preview: (input, settings) => checkLabelled(input, settings),
  needs: ({ by, feature }) => ({ columns: [by, ...featureNeeds(feature)], optionalRoles: ['docid'] }),
  async run(input, settings, context) {
    const rows = await readLabelled(input, settings, context, least[settings.method]);
    if (rows.names.length === 1) context.note(`all rows have the same ${settings.by}, "${rows.names[0]}"`);
    const embedding = await embed(rows, settings, context.signal);
    const staged = await stageFiles(await contents(rows, embedding, settings));
    return { ...staged, rows: rows.labels.length };
  },
});

function kindOf(file: string): Kind | undefined {
  return kinds.find((kind) => kind === extname(file).toLowerCase());
}

async function contents(rows: Labelled, embedding: Embedding, settings: Options): Promise<WholeFile[]> {
  const svg = toSvg(pictureOf(rows, embedding, settings));
  const content: Record<Kind, () => Promise<string | Uint8Array>> = {
    '.svg': async () => svg,
    '.png': () => toPng(svg),
    '.jsonl': async () => pointLines(rows, embedding),
  };
  const files: WholeFile[] = [];
  for (const file of [settings.path].flat()) {
    const kind = kindOf(file);
    if (kind) files.push({ path: file, content: await content[kind]() });
  }
  return files;
}

function pictureOf(rows: Labelled, { points, shares, perplexity }: Embedding, settings: Options) {
  const { info, names, totals, labels, keys } = rows;
  const taken = new Int32Array(names.length);
  for (const label of labels) taken[label]!++;
  const percent = (axis: number) =>
    `component ${axis + 1} (${((shares?.[axis] ?? 0) * 100).toFixed(1)} % of variance)`;
  const name = settings.method === 'tsne' ? 't-SNE' : 'PCA';
  return {
    title: settings.title ?? `Documents by their neurons, coloured by ${settings.by}`,
    subtitle: [
      `${number(labels.length)} documents`,
      `${name} of ${info.neurons} NAGs, ${info.layers} layers × ${info.k} neurons`,
      settings.distance === 'nag'
        ? 'distance: 1 − share of common neurons'
        : `distance: Euclidean, of ${indicesText(settings)}`,
      ...(perplexity === undefined ? [] : [`perplexity ${Number(perplexity.toFixed(1))}`]),
    ].join('  ·  '),
    by: settings.by,
    names,
    counts: totals.map((total, i) =>
      taken[i] === total ? number(total) : `${number(taken[i]!)} of ${number(total)}`,
    ),
    points,
    labels,
    hints: keys.map((key, row) => `${key}: ${names[labels[row]!]}`),
    axes: shares ? ([percent(0), percent(1)] as const) : undefined,
  };
}

function indicesText({ standardize, pca }: Options): string {
  return `${standardize ? 'standardized ' : ''}indices${pca === undefined ? '' : `, PCA to ${pca}`}`;
}

function number(count: number): string {
  return count.toLocaleString('en-US');
}

/** `{"docid", "label", "x", "y"}` a line. */
function pointLines({ keys, names, labels }: Labelled, { points }: Embedding): string {
  return keys
    .map((docid, row) => ({ docid, label: names[labels[row]!], x: points[2 * row], y: points[2 * row + 1] }))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}
