import { StructRow, Vector } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, findColumn, namedColumn } from '../pipeline/batch.js';
import { defineSink } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { noColumn } from '../pipeline/nearest.js';
import { table } from '../pipeline/table.js';
import { rankColumnOf } from '../transforms/rank/selected.js';
import { distanceColumn } from '../transforms/score.js';
import { addMeans, createMeans, type Means, meanColumns, meanOptions, meansTable } from './means.js';
import { stageFiles } from './stage-files.js';

const options = z.strictObject({
  title: z.string().optional().describe('A line above the table'),
  columns: z.array(z.string()).min(1).optional().describe('Columns of the rows that are printed'),
  rows: z.int().min(1).default(20).describe('Most rows printed; ranked ones best first, others the first'),
  by: z
    .string()
    .optional()
    .describe(`Also count rows by this column, with the mean of ${distanceColumn} where there is one`),
  distance: z.string().min(1).default(distanceColumn).describe('Column of distances whose mean is printed'),
  mean: z
    .array(meanOptions)
    .min(1)
    .optional()
    .describe(
      'Also print means of columns of numbers, with standard errors, over all rows and for each value of by: names, or {column, minus, weight, exp, title}: minus is subtracted row by row, exp: true makes a perplexity of a loss',
    ),
});

type Options = z.output<typeof options>;

/** Sink: prints rows, and counts by a column, at the end of the run. */
export const show = defineSink({
  name: 'show',
  summary: 'Print rows, and counts by a column, at the end of the run',
  options,
  example: `
    - {use: read.jsonl, with: {path: "docs/*.jsonl"}}
    - {use: show, with: {columns: [docid, category], rows: 5, by: category}}`,
  needs: ({ columns, by, mean }) => ({
    columns: [...(columns ?? []), ...(by === undefined ? [] : [by]), ...meanColumns(mean ?? [])],
  }),
  preview: (input, { columns, by, mean }) => {
    for (const batch of input) {
      for (const name of [...(columns ?? []), ...(by === undefined ? [] : [by])]) requireColumn(batch, name);
      if (mean) addMeans(createMeans(), batch, mean, by);
    }
    return undefined;
  },
  async run(input, settings) {
    const groups = new Map<string, Group>();
    const means = createMeans();
    let best: Row[] = [];
    let rows = 0;
    for await (const batch of input) {
      if (settings.columns)
        best = keepBest(
          [...best, ...rowsOf(batch, settings.columns, rows, limitOf(best, settings.rows))],
          settings.rows,
        );
      if (settings.mean) addMeans(means, batch, settings.mean, settings.by);
      else if (settings.by !== undefined) addGroups(groups, batch, settings.by, settings.distance);
      rows += batch.rows.length;
    }
    return {
      rows,
      ...(await stageFiles([])),
      report: reportText(settings, best, rows, groups, means),
    };
  },
});

interface Row {
  readonly place: number;
  readonly cells: readonly string[];
}

interface Group {
  rows: number;
  distance: number;
}

/** The rows of a batch whose place is before a limit: only what may be printed is made text. */
function rowsOf(batch: Batch, names: readonly string[], before: number, limit: number): Row[] {
  const columns = names.map((name) => requireColumn(batch, name));
  // Ranks of an earlier run are a column like others: these rows may be of several runs.
  const rank = rankColumnOf(batch);
  const ranks = rank === undefined ? null : batch.columns.getChild(rank);
  const found: Row[] = [];
  for (let row = 0; row < batch.rows.length; row++) {
    const place = ranks ? Number(ranks.get(row)) : before + row;
    if (place < limit) found.push({ place, cells: columns.map((column) => cellText(column.get(row))) });
  }
  return found;
}

/** The place from which on rows are not printed, as there are enough better ones. */
function limitOf(best: readonly Row[], count: number): number {
  return best.length < count ? Infinity : best.at(-1)!.place;
}

function keepBest(rows: readonly Row[], count: number): Row[] {
  return [...rows].sort((a, b) => a.place - b.place).slice(0, count);
}

function addGroups(groups: Map<string, Group>, batch: Batch, by: string, distance: string): void {
  const column = requireColumn(batch, by);
  const distances = findColumn(batch.columns, distance);
  for (let row = 0; row < batch.rows.length; row++) {
    const key = String(column.get(row) ?? '-');
    const group = groups.get(key) ?? { rows: 0, distance: 0 };
    group.rows++;
    group.distance += distances ? Number(distances.get(row)) : Number.NaN;
    groups.set(key, group);
  }
}

function reportText(
  settings: Options,
  best: readonly Row[],
  rows: number,
  groups: ReadonlyMap<string, Group>,
  means: Means,
): string {
  const parts = settings.title === undefined ? [] : [settings.title];
  if (settings.mean) parts.push(meansTable(means, settings.mean, settings.by));
  else if (settings.by !== undefined) parts.push(groupTable(settings.by, settings.distance, groups));
  if (settings.columns) {
    const more = rows - best.length;
    parts.push(
      table(
        settings.columns,
        best.map((row) => row.cells),
      ) + (more > 0 ? `\n… and ${more} more` : ''),
    );
  }
  return parts.join('\n');
}

/** Groups by mean distance, nearest first, with a bar of their similarity; without distances by size. */
function groupTable(by: string, distance: string, groups: ReadonlyMap<string, Group>): string {
  const means = [...groups].map(([name, { rows, distance }]) => ({ name, rows, mean: distance / rows }));
  if (means.some(({ mean }) => Number.isNaN(mean))) {
    means.sort((a, b) => b.rows - a.rows);
    return table(
      [by, 'rows'],
      means.map(({ name, rows }) => [cellText(name), String(rows)]),
    );
  }
  means.sort((a, b) => a.mean - b.mean);
  const nearest = 1 - (means[0]?.mean ?? 0);
  const bar = (mean: number) =>
    '█'.repeat(Math.min(24, Math.max(1, Math.round((24 * (1 - mean)) / nearest) || 0)));
  return table(
    [by, 'rows', `mean ${distance}`, 'similarity'],
    means.map(({ name, rows, mean }) => [cellText(name), String(rows), mean.toFixed(4), bar(mean)]),
  );
}

function requireColumn(batch: Batch, name: string) {
  const column = namedColumn(batch, name);
  if (column) return column;
  throw new NagError(`show: ${noColumn(name, batch.columns.schema)}`);
}

function cellText(value: unknown): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toFixed(4);
  return cut(oneLine(value instanceof Vector || value instanceof StructRow ? nestedText(value) : value));
}

/** `[0.0917, 0.0833]`, `[layer: 0 neuron: 59 weight: 0.0167, …]`: as much as may be printed. */
function nestedText(value: unknown): string {
  if (value instanceof Vector)
    return `[${Array.from({ length: Math.min(value.length, 30) }, (_, i) => nestedText(value.get(i))).join(', ')}]`;
  if (value instanceof StructRow)
    return Object.entries(value.toJSON())
      .map(([name, inner]) => `${name}: ${nestedText(inner)}`)
      .join(' ');
  return cellText(value);
}

function oneLine(value: unknown): string {
  if (value === null || value === undefined) return '-';
  // A long document is cut before it is searched for white space.
  return String(value).slice(0, 1000).replace(/\s+/g, ' ');
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
