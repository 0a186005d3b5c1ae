import type { RecordBatch, Schema } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, selectColumns } from '../pipeline/batch.js';
import { path } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { rankColumn } from '../transforms/rank/selected.js';
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
  const batches = sameColumns(input);
  try {
    const first = await batches.next();
    if (first.done)
      throw new NagError('nothing came in, not even columns: a stage before this one swallows its input');
    // A column of an earlier run's ranks does not rank these rows: they may be of several runs, and are in its order.
    const ranked = first.value.computed.has(rankColumn);
    if (order === 'rank' && !ranked)
      throw new NagError(`order: rank needs the column ${rankColumn}; put rank before this stage`);
    const columns = columnsOf(first.value, batches);
    yield* ranked && order !== 'input' ? inRankOrder(columns, rankColumn, tempDir) : columns;
  } finally {
    await batches.return(undefined);
  }
}

async function* columnsOf(first: Batch, rest: AsyncIterable<Batch>): AsyncGenerator<RecordBatch> {
  yield first.columns;
  for await (const { columns } of rest) yield columns;
}

async function* sameColumns(input: AsyncIterable<Batch>): AsyncGenerator<Batch, undefined> {
  let schema: Schema | undefined;
  for await (const batch of input) {
    const { fields } = batch.columns.schema;
    const visible = fields.flatMap(({ name }, i) => (name.startsWith('#') ? [] : [i]));
    const columns = visible.length === fields.length ? batch.columns : selectColumns(batch.columns, visible);
    schema ??= columns.schema;
    const difference = differenceOf(schema, columns.schema);
    if (difference !== undefined)
      throw new NagError(
        `${batch.bundle.file}: its rows cannot be written with those before: ${difference}; write them with a sink of their own`,
      );
    yield { ...batch, columns };
  }
}
