import { z } from 'zod';
import { isText, textReader } from '../pipeline/arrow/text.js';
import { type Batch, namedColumn } from '../pipeline/batch.js';
import { schemaNote } from '../pipeline/columns-note.js';
import { defineSink, path } from '../pipeline/component.js';
import { DataError, NagError } from '../pipeline/errors.js';
import { table } from '../pipeline/table.js';
import { deviation, mean, quantile, smallerShare } from '../transforms/nag/statistics.js';
import { addValue, createValues, takeValues, type Values } from '../transforms/nag/values.js';
import { distanceColumn } from '../transforms/score.js';
import { prepareReport } from './report.js';

const options = z.strictObject({
  by: z.string().min(1).describe('Column of the groups that are compared'),
  group: z
    .string()
    .optional()
    .describe(
      'The AUC is that of this group against the rest: how often one of its rows is nearer than another',
    ),
  column: z.string().min(1).default(distanceColumn).describe('Column of numbers that are compared'),
  title: z.string().optional().describe('A line above the table'),
  path: path().optional().describe('Also write the figures to this file, as JSON'),
  memory_mb: z.number().positive().default(1024).describe('The run stops beyond it; a row takes 24 bytes'),
});

type Options = z.output<typeof options>;

const mostGroups = 100;
const bytesPerRow = 24;

/** Sink: how distances are distributed in groups of rows, such as held-out target documents and the pool. */
export const distances = defineSink({
  name: 'distances',
  summary: 'Compare the distances of groups of rows, at the end of the run: is a target coherent?',
  options,
  example: `
    - {use: read.parquet, with: {path: out/scored.parquet}}
    - {use: distances, with: {by: split, group: held-out}}`,
  needs: ({ by, column }) => ({ columns: [by, column] }),
  preview: (input, settings) => {
    for (const batch of input) addBatch(new Map(), batch, settings);
    return undefined;
  },
  async run(input, settings, context) {
    const groups = new Map<string, Values>();
    let rows = 0;
    for await (const batch of input) {
      const missing = addBatch(groups, batch, settings);
      if (missing > 0) context.leftOut(`no ${settings.column}`, missing);
      rows += batch.rows.length - missing;
      if (rows * bytesPerRow > settings.memory_mb * 1e6)
        throw new NagError(
          `${rows} rows take more than memory_mb: ${settings.memory_mb} (${bytesPerRow} bytes each); raise it, or put sample before this stage`,
        );
    }
    const sorted = new Map([...groups].map(([name, values]) => [name, takeValues(values).sort()]));
    const figures = [...sorted].map(([name, values]) => ({ group: name, ...figuresOf(values) }));
    const auc = aucOf(sorted, settings.group);
    return await prepareReport(rows, reportText(sorted, auc, settings), {
      path: settings.path,
      value: {
        column: settings.column,
        by: settings.by,
        groups: figures,
        auc: settings.group === undefined ? null : { group: settings.group, value: auc },
      },
    });
  },
});

/** Adds the rows of a batch; tells how many have no number. */
function addBatch(groups: Map<string, Values>, batch: Batch, { by, column }: Options): number {
  const numbers = requireColumn(batch, column);
  const labels = requireColumn(batch, by);
  const text = isText(labels.type) ? textReader(labels) : undefined;
  let missing = 0;
  for (let row = 0; row < batch.rows.length; row++) {
    const cell: unknown = numbers.get(row);
    const value = typeof cell === 'bigint' ? Number(cell) : cell;
    if (typeof value !== 'number' || Number.isNaN(value)) {
      missing++;
      continue;
    }
    const name = String((text ? text(row) : labels.get(row)) ?? '-');
    addValue(groupOf(groups, name, by), value);
  }
  return missing;
}

function groupOf(groups: Map<string, Values>, name: string, by: string): Values {
  const known = groups.get(name);
  if (known) return known;
  if (groups.size === mostGroups)
    throw new NagError(`column "${by}" has more than ${mostGroups} different values: choose one with few`);
  const made = createValues();
  groups.set(name, made);
  return made;
}

function figuresOf(sorted: Float64Array) {
  const [p5, p25, p50, p75, p95] = [0.05, 0.25, 0.5, 0.75, 0.95].map((share) => quantile(sorted, share));
  return { n: sorted.length, mean: mean(sorted), sd: deviation(sorted), p5, p25, p50, p75, p95 };
}

/** Undefined where no group was named; NaN where it has no rows, or nothing else has. */
function aucOf(sorted: ReadonlyMap<string, Float64Array>, group: string | undefined): number | undefined {
  if (group === undefined) return undefined;
  const rest = [...sorted].filter(([name]) => name !== group).map(([, values]) => values);
  const others = new Float64Array(rest.reduce((sum, values) => sum + values.length, 0));
  let at = 0;
  for (const values of rest) {
    others.set(values, at);
    at += values.length;
  }
  return smallerShare(sorted.get(group) ?? new Float64Array(0), others.sort());
}

function reportText(
  sorted: ReadonlyMap<string, Float64Array>,
  auc: number | undefined,
  { by, group, column, title }: Options,
): string {
  const all = [...sorted.values()];
  const range = {
    low: all.reduce((low, values) => Math.min(low, values[0]!), Infinity),
    high: all.reduce((high, values) => Math.max(high, values.at(-1)!), -Infinity),
  };
  const rows = [...sorted].map(([name, values]) => {
    const { n, ...others } = figuresOf(values);
    return [name, String(n), ...Object.values(others).map(fixed), histogram(values, range)];
  });
  const ends = all.length === 0 ? '' : `${fixed(range.low)} … ${fixed(range.high)}`;
  const header = [by, 'n', 'mean', 'sd', '5 %', '25 %', '50 %', '75 %', '95 %', ends];
  const lines = [title ?? `${column} by ${by}`, table(header, rows)];
  if (auc !== undefined) lines.push(aucText(auc, group, by));
  return lines.join('\n');
}

function aucText(auc: number, group: string | undefined, by: string): string {
  if (Number.isNaN(auc)) return `no AUC: there are no rows whose ${by} is "${group}", or no others`;
  return `AUC of "${group}" against the rest: ${auc.toFixed(4)} (1: always nearer, 0.5: no difference, 0: always farther)`;
}

const bins = 24;
const heights = ' ▁▂▃▄▅▆▇█';

/** How often values lie in each of some equal parts of the range, the most frequent as a full block. */
function histogram(values: Float64Array, { low, high }: { low: number; high: number }): string {
  const counts = new Float64Array(bins);
  for (const value of values) {
    const part = high > low ? (value - low) / (high - low) : 0;
    counts[Math.min(bins - 1, Math.floor(part * bins))]!++;
  }
  const most = Math.max(...counts);
  return Array.from(counts, (count) => heights[Math.ceil((count / most) * 8)]).join('');
}

function fixed(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(4);
}

function requireColumn(batch: Batch, name: string) {
  const column = namedColumn(batch, name);
  if (column) return column;
  throw new DataError(
    { file: batch.bundle.file },
    `there is no column "${name}" to compare${schemaNote(batch.columns.schema)}`,
  );
}
