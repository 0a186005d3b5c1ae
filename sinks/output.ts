import type { RecordBatch, Schema } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, selectColumns } from '../pipeline/batch.js';
import { path } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { rankColumn } from '../transforms/rank.js';
import { differenceOf } from '../transforms/reading/same-schema.js';
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
} as const;

/** What a sink writes: batches of one schema, at least one, without internal columns, in the order asked for. */
export async function* outputBatches(
  input: AsyncIterable<Batch>,
  order: 'rank' | 'input' | undefined,
  tempDir: string,
): AsyncGenerator<RecordBatch> {
  const { first, rest } = await split(sameColumns(input));
  const ranked = first.schema.fields.some((field) => field.name === rankColumn);
  if (order === 'rank' && !ranked)
    throw new NagError(`order: rank needs the column ${rankColumn}; put rank before this stage`);
  if (ranked && order !== 'input') yield* inRankOrder(rest, rankColumn, tempDir);
  else yield* rest;
}

/** The first batch, and all of them. */
async function split(batches: AsyncGenerator<RecordBatch>) {
  const first = await batches.next();
  if (first.done)
    throw new NagError('nothing came in, not even columns: a stage before this one swallows its input');
  async function* all() {
    yield first.value as RecordBatch;
    yield* batches;
  }
  return { first: first.value, rest: all() };
}

async function* sameColumns(input: AsyncIterable<Batch>): AsyncGenerator<RecordBatch> {
  let schema: Schema | undefined;
  for await (const { columns, bundle } of input) {
    const { fields } = columns.schema;
    const visible = fields.flatMap(({ name }, i) => (name.startsWith('#') ? [] : [i]));
    const out = visible.length === fields.length ? columns : selectColumns(columns, visible);
    schema ??= out.schema;
    const difference = differenceOf(schema, out.schema);
    if (difference !== undefined)
      throw new NagError(
        `${bundle.file}: its rows cannot be written with those before: ${difference}; write them with a sink of their own`,
      );
    yield out;
  }
}
