import { DataType, type Field, type RecordBatch, type Schema } from 'apache-arrow';
import { gatherBatch } from '../../pipeline/arrow/gather.js';
import { withValidText } from '../../pipeline/arrow/replace-text.js';
import type { InvalidText } from '../../pipeline/arrow/restore.js';
import { rowRange } from '../../pipeline/arrow/row-range.js';
import { type Bundle, selectColumns } from '../../pipeline/batch.js';
import type { Context, Needs, ReadOptions, Reject } from '../../pipeline/component.js';
import { DataError } from '../../pipeline/errors.js';
import type { RowFilter } from '../reading/where.js';

/** What becomes of rows with text that is no valid UTF-8. */
export interface TextPolicy {
  readonly replace: boolean;
  readonly reject: Reject;
  /** Told of texts that were replaced. */
  readonly replaced: (texts: number) => void;
}

/** Rows of a bundle, by their numbers in it. */
interface Rows {
  readonly columns: RecordBatch;
  readonly rows: Uint32Array;
}

/**
 * Rows less those whose text is no valid UTF-8, or with U+FFFD in it.
 * @param invalid places in the batch as it was read, whose first row has the number `first`
 * @param filter rows that it leaves out anyway are not looked at
 */
export function withValidRows(
  batch: Rows,
  invalid: readonly InvalidText[],
  first: number,
  bundle: Bundle,
  filter: RowFilter | undefined,
  { replace, reject, replaced }: TextPolicy,
): Rows {
  if (invalid.length === 0) return batch;
  if (replace) {
    const mended = withValidText(batch.columns);
    replaced(mended.texts);
    return { columns: mended.batch, rows: batch.rows };
  }
  const columnOf = new Map(invalid.map(({ row, column }) => [first + row, column]));
  const wanted = filter?.select(batch.columns) ?? batch.rows.keys();
  const bad = new Set([...wanted].filter((row) => columnOf.has(batch.rows[row]!)));
  for (const row of bad) {
    const number = batch.rows[row]!;
    const place = { file: bundle.file, row: bundle.firstRow + number, column: columnOf.get(number) };
    const reason =
      'is not valid UTF-8; set invalid_text: replace, leave such rows out with on_error, or correct the file';
    reject(place, reason, { cause: new DataError(place, reason) });
  }
  const kept = Uint32Array.from(batch.rows.keys()).filter((row) => !bad.has(row));
  return { columns: gatherBatch(batch.columns, kept), rows: kept.map((row) => batch.rows[row]!) };
}

/**
 * Whether text is looked at that nobody needs yet: where rows are read again with all their columns, it must not be found
 * then. Without a policy that goes on it is only a word in time, given where documents are read anyway.
 */
export function checksEarly(needs: Needs, how: ReadOptions, context: Context): boolean {
  if (how.only || !how.mayReread) return false;
  return context.tolerant || (needs.roles ?? []).includes('text');
}

/** Columns to read, and those whose text is looked at besides. */
export function columnsToCheck(columns: readonly string[], schema: Schema): readonly string[] {
  const tops = new Set(columns.flatMap((path) => [path, path.split('.')[0]!]));
  const others = textColumns(schema).filter((name) => !tops.has(name));
  return others.length === 0 ? columns : [...columns, ...others];
}

/** A batch with some of its columns, in memory of their own: columns of a batch share one buffer. */
export function onlyColumns(batch: RecordBatch, paths: readonly string[]): RecordBatch {
  const tops = new Set(paths.flatMap((path) => [path, path.split('.')[0]!]));
  const positions = [...batch.schema.fields.entries()].flatMap(([i, { name }]) =>
    tops.has(name) ? [i] : [],
  );
  return gatherBatch(selectColumns(batch, positions), rowRange(0, batch.numRows));
}

/** Columns with text somewhere in them. */
function textColumns(schema: Schema): string[] {
  return schema.fields.filter(hasText).map(({ name }) => name);
}

function hasText({ type }: Field): boolean {
  if (DataType.isDictionary(type))
    return DataType.isUtf8(type.dictionary) || DataType.isLargeUtf8(type.dictionary);
  const children: Field[] | null | undefined = type.children;
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || (children ?? []).some(hasText);
}
