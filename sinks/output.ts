import { Readable } from 'node:stream';
import type { RecordBatch, Schema } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, selectColumns } from '../pipeline/batch.js';
import { path } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { featureInfo } from '../transforms/columns.js';
import { rankColumn, rankColumnOf } from '../transforms/rank/selected.js';
import { differenceOf } from '../transforms/reading/same-schema.js';
import { differenceOfFeatures } from '../transforms/same-features.js';
import { writtenColumns } from './columns.js';
import { relabelledColumn } from './footer-keys.js';
import { inRankOrder } from './rank-order.js';

/** Options that every sink of documents has. */
export const outputOptions = {
  path: path().describe('The output; an earlier one is replaced when the run has succeeded'),
  order: z
    .enum(['rank', 'input'])
    .optional()
    .describe(
      `rank: best first, as ${rankColumn} says; input: as in the pool. Without it: rank where the rows are ranked`,
    ),
  columns: z
    .array(z.string().min(1))
    .min(1)
    .refine((names) => new Set(names).size === names.length, { message: 'a column is named twice' })
    .optional()
    .describe(
      'Only these columns, in this order, a.b for nested ones; the name of a role (docid, text, tokens) is also the column that plays it',
    ),
} as const;

/** What a sink writes: batches of one schema, at least one, without internal columns, in the order asked for. */
export async function* outputBatches(
  input: AsyncIterable<Batch>,
  order: 'rank' | 'input' | undefined,
  tempDir: string,
  names?: readonly string[],
): AsyncGenerator<RecordBatch> {
  const batches = sameColumns(input, names, true);
  try {
    const first = await batches.next();
    if (first.done)
      throw new NagError('nothing came in, not even columns: a stage before this one swallows its input');
    // A column of an earlier run's ranks does not rank these rows: they may be of several runs, and are in its order.
    const ranks = rankColumnOf(first.value);
    if (order === 'rank') requireRanks(first.value);
    const columns = columnsOf(first.value, batches);
    const ordered = ranks !== undefined && order !== 'input' ? inRankOrder(columns, ranks, tempDir) : columns;
    for await (const all of ordered) yield names ? firstColumns(all, names.length) : all;
  } finally {
    await batches.return(undefined);
  }
}

/**
 * The columns that a sink would write, of batches without rows. Throws where one that is named is missing, or the rows of
 * several inputs do not go together.
 */
export async function previewOutput(
  input: readonly Batch[],
  {
    order,
    columns,
  }: { readonly order?: 'rank' | 'input' | undefined; readonly columns?: readonly string[] | undefined },
  ranks = true,
): Promise<Schema[]> {
  if (order === 'rank') for (const batch of input) requireRanks(batch);
  const written: Schema[] = [];
  for await (const batch of sameColumns(Readable.from(input), columns, ranks))
    written.push(batch.columns.schema);
  return written;
}

function requireRanks(batch: Batch): void {
  if (rankColumnOf(batch) !== undefined) return;
  throw new NagError(`order: rank needs the column ${rankColumn}; put rank before this stage`);
}

async function* columnsOf(first: Batch, rest: AsyncIterable<Batch>): AsyncGenerator<RecordBatch> {
  yield first.columns;
  for await (const { columns } of rest) yield columns;
}

/**
 * Batches with the columns that are written, the same in all.
 * @param ranks adds the ranks of ranked rows as the last column where they are not named
 */
export async function* sameColumns(
  input: AsyncIterable<Batch>,
  names: readonly string[] | undefined,
  ranks: boolean,
): AsyncGenerator<Batch, undefined> {
  let schema: Schema | undefined;
  for await (const batch of input) {
    const rank = ranks ? rankColumnOf(batch) : undefined;
    const rankIsMissing = names !== undefined && rank !== undefined && !names.includes(rank);
    const columns = writtenColumns(batch, rankIsMissing ? [...names, rank] : names);
    schema ??= columns.schema;
    const difference =
      differenceOf(schema, columns.schema) ??
      differenceOfOrigin(schema, columns.schema) ??
      differenceOfLabels(schema, columns.schema);
    if (difference !== undefined)
      throw new NagError(
        `${batch.bundle.file}: its rows cannot be written with those before: ${difference}; leave the column out (columns on this stage, or without on read.parquet), or write them with a sink of their own`,
      );
    yield { ...batch, columns };
  }
}

/** A file says once how its features were made. */
function differenceOfOrigin(first: Schema, other: Schema): string | undefined {
  for (const [i, field] of first.fields.entries()) {
    const own = other.fields[i]!;
    if (!field.metadata.has('nag.neurons') || !own.metadata.has('nag.neurons')) continue;
    const difference = differenceOfFeatures(featureInfo(field), featureInfo(own));
    if (difference !== undefined) return `column "${field.name}" was made differently (${difference})`;
  }
  return undefined;
}

/** Numbers that stand for classes mean something else where the classes do. */
function differenceOfLabels(first: Schema, other: Schema): string | undefined {
  const column = relabelledColumn(first, other);
  return column === undefined ? undefined : `column "${column}" has other class names (its ClassLabel)`;
}

function firstColumns(columns: RecordBatch, count: number): RecordBatch {
  const positions = Array.from({ length: count }, (_, i) => i);
  return columns.schema.fields.length === count ? columns : selectColumns(columns, positions);
}
