import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { defineSink, path } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { table } from '../pipeline/table.js';
import { featureNeeds } from '../transforms/columns.js';
import { type Agreement, agreement, contingency } from '../transforms/nag/agreement.js';
import { type Clustering, kmeans, type Nags } from '../transforms/nag/kmeans.js';
import { seededRandom } from '../transforms/nag/seeded-random.js';
import { checkLabelled, type Labelled, labelledOptions, readLabelled } from './labelled.js';
import { stageFiles } from './stage-files.js';

const options = z.strictObject({
  ...labelledOptions,
  max_rows: z
    .int()
    .min(10)
    .max(1_000_000)
    .default(20_000)
    .describe('At most so many rows, a random sample: their NAGs are held in memory'),
  clusters: z.int().min(2).optional().describe('Number of clusters; by default that of the labels'),
  starts: z
    .int()
    .min(1)
    .default(10)
    .describe('K-Means is begun so many times, and the tightest result taken'),
  title: z.string().optional().describe('A line above the report'),
  path: path().optional().describe('Also write the numbers to this file, as JSON'),
});

type Options = z.output<typeof options>;

/** Sink: how well clusters of NAGs agree with labels (NAG.md §9). */
export const clusters = defineSink({
  name: 'clusters',
  summary: 'Cluster NAGs by K-Means and print how well the clusters agree with a label column',
  options,
  example: `
    - {use: read.jsonl, with: {path: "docs/*.jsonl"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 20}}
    - {use: clusters, with: {by: category, path: out/clusters.json}}`,
  preview: (input, settings) => checkLabelled(input, settings),
  needs: ({ by, feature }) => ({ columns: [by, ...featureNeeds(feature)], optionalRoles: ['docid'] }),
  async run(input, settings, context) {
    const rows = await readLabelled(input, settings, context, 2);
    const count = settings.clusters ?? rows.names.length;
    check(rows, count, settings.by, context.stage);
    const nags = { ...rows.info, features: rows.features, rows: rows.labels.length };
    const found = await tightest(nags, count, settings, context.signal);
    const quality = agreement(rows.labels, found.clusters);
    const counts = contingency(rows.labels, found.clusters);
    const result = {
      neurons: rows.info.neurons,
      layers: rows.info.layers,
      k: rows.info.k,
      rows: nags.rows,
      labels: rows.names,
      clusters: count,
      ...quality,
      inertia: found.inertia,
      counts,
    };
    const content = `${JSON.stringify(result, undefined, 2)}\n`;
    const staged = await stageFiles(settings.path === undefined ? [] : [{ path: settings.path, content }]);
    return { ...staged, rows: nags.rows, report: reportText(settings.title, rows, counts, quality) };
  },
});

/** The best of several starts. */
async function tightest(
  nags: Nags,
  count: number,
  { seed, starts }: Options,
  signal: AbortSignal,
): Promise<Clustering> {
  const random = seededRandom(seed);
  let best = kmeans(nags, count, random);
  for (let start = 1; start < starts; start++) {
    await setImmediate();
    signal.throwIfAborted();
    const found = kmeans(nags, count, random);
    if (found.inertia < best.inertia) best = found;
  }
  return best;
}

function check({ names, labels }: Labelled, count: number, by: string, stage: string): void {
  if (names.length < 2)
    throw new NagError(
      `${stage}: expected at least two different values of "${by}", found one ("${names[0]}"): with it every clustering is perfect`,
    );
  if (labels.length < count)
    throw new NagError(
      `${stage}: expected at least as many rows as clusters (${count}), found ${labels.length}`,
    );
}

const maxColumns = 12;

/** The measures, and where they can be read the rows of each cluster by label. */
function reportText(
  title: string | undefined,
  { names, labels, info }: Labelled,
  counts: readonly (readonly number[])[],
  { purity, nmi, ari }: Agreement,
): string {
  const what = `${labels.length} documents, ${names.length} labels, ${counts.length} clusters of their ${info.neurons} NAGs (${info.layers} layers × ${info.k} neurons)`;
  const measures = table(['purity', 'NMI', 'ARI'], [[purity, nmi, ari].map((value) => value.toFixed(4))]);
  const bySize = counts.map((row) => ({ row, size: row.reduce((sum, n) => sum + n, 0) }));
  bySize.sort((a, b) => b.size - a.size);
  const members = table(
    ['cluster', 'rows', ...names],
    bySize.map(({ row, size }, i) => [
      String(i + 1),
      String(size),
      ...row.map((n) => (n === 0 ? '-' : String(n))),
    ]),
  );
  return [title ?? 'How well do clusters of NAGs agree with the labels?', `  ${what}`, measures]
    .concat(names.length <= maxColumns ? [members] : [])
    .join('\n');
}
