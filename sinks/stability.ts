import type { Vector } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, findColumn } from '../pipeline/batch.js';
import { defineSink, path } from '../pipeline/component.js';
import { DataError, NagError } from '../pipeline/errors.js';
import { table } from '../pipeline/table.js';
import { compareBytes } from '../transforms/nag/docid.js';
import { nearest } from '../transforms/nag/nearest.js';
import { ascending, averageRanks, correlation, jaccard } from '../transforms/nag/statistics.js';
import { addValue, createValues, takeValues, type Values } from '../transforms/nag/values.js';
import { columnName } from '../transforms/own-column.js';
import { docidFaults, docidReader, tokenCounts } from '../transforms/rank/cells.js';
import { DocidList } from '../transforms/rank/docid-list.js';
import { distanceColumn } from '../transforms/score.js';
import { prepareReport } from './report.js';

const options = z.strictObject({
  reference: z.string().default('all').describe('The target with which the others are compared'),
  targets: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      `The others, where not all columns ${distanceColumn}_… that score has made; needed where these come from a file`,
    ),
  column: columnName(distanceColumn).describe(
    'What the columns of distances are called, as column says on score',
  ),
  fraction: z.number().positive().max(1).default(0.2).describe('How many documents count as selected'),
  by: z
    .enum(['count', 'tokens'])
    .default('count')
    .describe('count: that share of the documents; tokens: of their tokens, as rank selects'),
  title: z.string().optional().describe('A line above the table'),
  path: path().optional().describe('Also write the figures to this file, as JSON'),
  memory_mb: z
    .number()
    .positive()
    .default(1024)
    .describe('The run stops beyond it: a document takes 8 bytes a target, its docid, and 60 more'),
});

type Options = z.output<typeof options>;

/** Sink: how far distances to several targets rank and select the same documents. */
export const stability = defineSink({
  name: 'stability',
  summary: "Compare rankings by several targets: does a selection depend on the target's size?",
  options,
  example: `
    - {use: read.jsonl, with: {path: target.jsonl}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {id: target, use: profile, with: {samples: [50, 200]}}
    - {use: read.parquet, with: {path: "pool/*.parquet"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {use: score, from: {profile: target}}
    - {use: stability, with: {fraction: 0.2}}`,
  needs: ({ by, reference, targets, column }) => ({
    roles: by === 'tokens' ? ['tokens'] : [],
    optionalRoles: ['docid'],
    columns: targets ? [reference, ...targets].map((target) => `${column}_${target}`) : [],
  }),
  preview: (input, settings) => {
    const pool = createPool();
    for (const batch of input) addBatch(pool, batch, settings);
    return undefined;
  },
  async run(input, settings, context) {
    const pool = createPool();
    for await (const batch of input) {
      const missing = addBatch(pool, batch, settings);
      if (missing > 0) context.leftOut('without a distance', missing);
      requireMemory(pool, settings.memory_mb);
    }
    const { rows } = pool;
    const compared = compare(pool, settings);
    return await prepareReport(rows, reportText(compared, rows, settings), {
      path: settings.path,
      value: {
        documents: rows,
        fraction: settings.fraction,
        by: settings.by,
        reference: settings.reference,
        targets: compared,
      },
    });
  },
});

/** The distances of all rows, by target, and their tokens where these count. */
interface Pool {
  readonly distances: Map<string, Values>;
  readonly tokens: Values;
  /** Which of equal distances is nearer; undefined where documents have none. */
  docids: DocidList | undefined;
  rows: number;
}

function createPool(): Pool {
  return { distances: new Map(), tokens: createValues(), docids: new DocidList(), rows: 0 };
}

/** Adds the rows of a batch; tells how many lack a distance to one of the targets. */
function addBatch(pool: Pool, batch: Batch, settings: Options): number {
  const columns = distanceColumns(batch, settings);
  if (pool.distances.size === 0) for (const { target } of columns) pool.distances.set(target, createValues());
  const targets = columns.map(({ target, vector }) => ({ into: pool.distances.get(target), vector }));
  if (targets.length !== pool.distances.size || targets.some(({ into }) => into === undefined))
    throw new NagError(
      `${batch.bundle.file}: has distances to ${columns.map(({ target }) => target).join(', ')}, and those before to ${[...pool.distances.keys()].join(', ')}`,
    );
  const tokens = settings.by === 'tokens' ? tokenCounts(batch) : undefined;
  const docids = docidReader(batch);
  if (!docids) pool.docids = undefined;
  const hasNone = docidFaults(batch);
  let missing = 0;
  for (let row = 0; row < batch.rows.length; row++) {
    const found = targets.map(({ vector }) => Number(vector.get(row) ?? Number.NaN));
    if (found.some(Number.isNaN)) {
      missing++;
      continue;
    }
    for (const [i, { into }] of targets.entries()) addValue(into!, found[i]!);
    if (tokens) addValue(pool.tokens, tokens[row]!);
    if (docids) pool.docids?.push(hasNone(row) ? noDocid : docids.read(row));
    pool.rows++;
  }
  return missing;
}

function distanceColumns(
  { columns, bundle }: Batch,
  { reference, targets, column }: Options,
): { target: string; vector: Vector }[] {
  const prefix = `${column}_`;
  const there = columns.schema.fields.flatMap(({ name }) =>
    name.startsWith(prefix) ? [name.slice(prefix.length)] : [],
  );
  const wanted = targets ? [...new Set([...targets, reference])] : there;
  const missing = [reference, ...wanted].find((target) => !findColumn(columns, prefix + target));
  if (missing !== undefined || wanted.length < 2) {
    const what = missing === undefined ? 'nothing to compare with it' : `no column "${prefix}${missing}"`;
    throw new DataError(
      { file: bundle.file },
      `there is ${what} (targets: ${there.join(', ') || 'none'}); score with a profile of several targets, or name them with reference and targets`,
    );
  }
  return wanted.map((target) => ({ target, vector: findColumn(columns, prefix + target)! }));
}

const noDocid = new Uint8Array(0);

/** [rows] The place of each document by its docid, as rank orders equal distances; of equal docids the same. */
function docidPlaces({ docids, rows }: Pool): Uint32Array | undefined {
  if (!docids) return undefined;
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  order.sort((a, b) => compareBytes(docids.at(a), docids.at(b)));
  const places = new Uint32Array(rows);
  for (let i = 1; i < rows; i++) {
    const [row, before] = [order[i]!, order[i - 1]!];
    places[row] = places[before]! + (compareBytes(docids.at(before), docids.at(row)) === 0 ? 0 : 1);
  }
  return places;
}

function requireMemory({ rows, distances, docids }: Pool, memoryMb: number): void {
  const bytes = rows * (8 * distances.size + 60) + (docids?.bytes ?? 0);
  if (bytes > memoryMb * 1e6)
    throw new NagError(
      `${rows} documents and ${distances.size} targets take more than memory_mb: ${memoryMb}; raise it, or put sample before this stage`,
    );
}

interface Compared {
  readonly target: string;
  /** Spearman's correlation of the distances. */
  readonly spearman: number;
  /** Jaccard similarity of the selections. */
  readonly jaccard: number;
}

/** One target after the other, so that ranks and selections of two are held at a time. */
function compare(pool: Pool, { reference, fraction, by }: Options): Compared[] {
  const tokens = by === 'tokens' ? takeValues(pool.tokens) : undefined;
  const places = docidPlaces(pool);
  const ranked = (target: string) => {
    const values = takeValues(pool.distances.get(target) ?? createValues());
    const order = ascending(values, places);
    return { ranks: averageRanks(values, order), selected: nearest(order, fraction, tokens) };
  };
  const whole = ranked(reference);
  const others = [...pool.distances.keys()].filter((target) => target !== reference);
  return others.map((target) => {
    const own = ranked(target);
    return {
      target,
      spearman: correlation(own.ranks, whole.ranks),
      jaccard: jaccard(own.selected, whole.selected),
    };
  });
}

function reportText(compared: readonly Compared[], rows: number, settings: Options): string {
  const { title, fraction, by, reference } = settings;
  const selected = `the nearest ${+(fraction * 100).toFixed(2)} % of the ${by === 'count' ? 'documents' : 'tokens'}`;
  const lines = compared.map(({ target, spearman, jaccard }) => [target, fixed(spearman), fixed(jaccard)]);
  return [
    title ?? `Rankings compared with that of "${reference}"`,
    `${rows} documents; Jaccard of ${selected}`,
    table(['target', 'Spearman', 'Jaccard'], lines),
  ].join('\n');
}

function fixed(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(4);
}
