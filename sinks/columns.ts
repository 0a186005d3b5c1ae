import type { Field, RecordBatch } from 'apache-arrow';
import { type Batch, findColumn, selectColumns, withColumn } from '../pipeline/batch.js';
import type { Needs } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { noColumn } from '../pipeline/nearest.js';
import { featureColumns } from '../transforms/columns.js';

/** What a sink reads to write these columns. */
export function columnNeeds(columns: readonly string[] | undefined): Needs {
  if (!columns) return { columns: 'all' };
  return { columns, optionalRoles: columns.includes('docid') ? ['docid'] : [] };
}

/**
 * The columns that are written: those that are named, in that order, or all that are not internal. `docid` is also the
 * column that plays that role, such as `meta.docid`; where features are written it comes along, as whoever reads them
 * looks for it there.
 */
export function writtenColumns(batch: Batch, names: readonly string[] | undefined): RecordBatch {
  const all = withDocid(batch, names);
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
  const visible = fields.map((field) => field.name).filter((own) => !own.startsWith('#'));
  throw new NagError(`columns: ${noColumn(name, visible)}`);
}

function withDocid(batch: Batch, names: readonly string[] | undefined): RecordBatch {
  const { columns, roles } = batch;
  const wanted = names ? names.includes('docid') : featureColumns(columns).length > 0;
  if (!wanted || columns.getChild('docid') || roles.docid === undefined) return columns;
  const [docids] = findColumn(columns, roles.docid)?.data ?? [];
  if (!docids) return columns;
  const added = withColumn(batch, 'docid', docids).columns;
  const others = columns.schema.fields.map((_, i) => i);
  return selectColumns(added, [others.length, ...others]);
}
