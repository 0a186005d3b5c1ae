import type { Data } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, type ColumnOptions, withColumn } from '../pipeline/batch.js';
import type { Context } from '../pipeline/component.js';

/** An option that names a column which a stage makes. */
export function columnName(usual: string) {
  return z
    .string()
    .regex(/^[^#]/, 'a name may not be empty, nor start with # (such columns are never written)')
    .default(usual);
}

/** How a user names a stage's column otherwise. */
interface Renaming {
  /** The option, as it is written: `column: …`. */
  readonly option: string;
}

/** The batch with a column that a stage makes for its output; a note says where it takes the place of another. */
export function withOwnColumn(
  batch: Batch,
  name: string,
  data: Data,
  { option, ...how }: ColumnOptions & Renaming,
  context: Context,
): Batch {
  noteReplaced(batch, name, option, context);
  return withColumn(batch, name, data, how);
}

/** Says that a column of the pool, or of a stage above, gives way to one of this stage; once. */
export function noteReplaced(batch: Batch, name: string, option: string, context: Context): void {
  const whose = batch.computed.has(name)
    ? `the column "${name}" of a stage above`
    : `the pool's own column "${name}"`;
  const isThere = batch.columns.getChild(name) !== null || context.sourceColumns?.has(name) === true;
  if (isThere && !batch.removed.has(name))
    context.note(`${whose} is replaced; to keep it, name this stage's otherwise (${option})`);
}
