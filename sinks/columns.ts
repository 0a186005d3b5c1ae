import type { Field, RecordBatch } from 'apache-arrow';
import { type Batch, namedColumn, selectColumns, withColumn } from '../pipeline/batch.js';
import type { Needs } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { noColumn } from '../pipeline/nearest.js';
import { featureColumns } from '../transforms/columns.js';

/** What a sink reads to write these columns. */
export function columnNeeds(columns: readonly string[] | undefined): Needs {
  if (!columns) return { columns: 'all' };
  return { columns };
}

/**
 * The columns that are written: those that are named, in that order, or all that are not internal. The name of a role is
 * also the column that plays it, such as `meta.docid`; where features are written `docid` comes along, as whoever reads
 * them looks for it there.
 */
export function writtenColumns(batch: Batch, names: readonly string[] | undefined): RecordBatch {
  const all = withRoles(batch, names);
  const { fields } = all.schema;
  if (!names) {
    const visible = fields.flatMap(({ name }, i) => (name.startsWith('#') ? [] : [i]));
    return visible.length === fields.length ? all : selectColumns(all, visible);
  }
  return selectColumns(
    all,
    names.map((name) => positionOf(name, fields)),
  );
}

function positionOf(name: string, fields: readonly Field[]): number {
  const at = fields.findIndex((field) => field.name === name);
  if (at >= 0) return at;
  const visible = fields.filter(({ name }) => !name.startsWith('#'));
  throw new NagError(`columns: ${noColumn(name, { fields: visible })}`);
}

function withRoles(batch: Batch, names: readonly string[] | undefined): RecordBatch {
  const { columns } = batch;
  const wanted = names ?? (featureColumns(columns).length > 0 ? ['docid'] : []);
  const missing = wanted.filter((name) => !columns.getChild(name));
  return missing.reduce((all, name) => {
    const [data] = namedColumn({ ...batch, columns }, name)?.data ?? [];
    if (!data) return all;
    const added = withColumn({ ...batch, columns: all }, name, data).columns;
    const others = all.schema.fields.map((_, i) => i);
    return selectColumns(added, [others.length, ...others]);
  }, columns);
}
