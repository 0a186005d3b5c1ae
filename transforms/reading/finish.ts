import type { RecordBatch, Schema } from 'apache-arrow';
import { type Batch, type Bundle, keepRows, withColumn } from '../../pipeline/batch.js';
import type { Needs, ReadOptions } from '../../pipeline/component.js';
import { needsTemplate, type RoleMapping, templateColumn } from './roles.js';
import { completeRows, renderTemplate } from './text-template.js';
import type { RowFilter } from './where.js';

/** What a source of documents has worked out from its options and its files' schema. */
export interface Reading {
  readonly schema: Schema;
  readonly mapping: RoleMapping;
  readonly filter: RowFilter | undefined;
}

/** A batch of raw columns made ready: rows filtered and counted, the text put together from its template. */
export function finishBatch(
  columns: RecordBatch,
  rows: Uint32Array,
  bundle: Bundle,
  needs: Needs,
  reading: Reading,
  how: ReadOptions,
): Batch {
  const { mapping, filter } = reading;
  const none = new Set<string>();
  const raw: Batch = { columns, bundle, rows, computed: none, removed: none, roles: mapping.roles };
  const found = filter ? keepRows(raw, filter.select(columns)) : raw;
  const batch = mapping.skipNulls ? keepRows(found, completeRows(mapping.template!, found.columns)) : found;
  const filtered = rows.length - found.rows.length;
  const incomplete = found.rows.length - batch.rows.length;
  if (filtered > 0) how.leftOut?.('where', filtered);
  if (incomplete > 0) how.leftOut?.('a null in the text template', incomplete);
  if (!needsTemplate(needs, mapping)) return batch;
  const made = withColumn(batch, templateColumn, renderTemplate(mapping.template!, batch.columns));
  // The text can be made again from its source: it is not a result to be kept.
  return { ...made, computed: batch.computed };
}
