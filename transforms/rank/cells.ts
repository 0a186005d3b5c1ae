import { DataType, type Vector } from 'apache-arrow';
import { isText, textReader } from '../../pipeline/arrow/text.js';
import { type Batch, findColumn, placeOf, roleColumn } from '../../pipeline/batch.js';
import { DataError, NagError } from '../../pipeline/errors.js';
import { docidEncoder } from '../nag/docid.js';

const maxTokens = 2 ** 32 - 1;

/** Token counts of a batch; null and NaN count 0. Throws a `DataError` for what is no count. */
export function tokenCounts(batch: Batch): Float64Array {
  const { vector, name } = tokenColumn(batch);
  const counts = new Float64Array(batch.rows.length);
  for (let row = 0; row < counts.length; row++) {
    const value: unknown = vector.get(row);
    const count = value === null ? 0 : Number(value);
    if (Number.isNaN(count)) continue;
    if (count < 0 || count > maxTokens || !Number.isInteger(count)) {
      throw new DataError(
        placeOf(batch, row, name),
        `expected a number of tokens (a whole number of at least 0), found ${String(value)}`,
      );
    }
    counts[row] = count;
  }
  return counts;
}

function tokenColumn(batch: Batch): { vector: Vector; name: string } {
  const name = batch.roles.tokens;
  const vector = name === undefined ? undefined : findColumn(batch.columns, name);
  if (!vector || name === undefined) {
    const there = batch.columns.schema.fields.map((field) => field.name).join(', ');
    throw new DataError(
      { file: batch.bundle.file },
      `there is no column "${name}" with token counts for the budget (columns: ${there}); name it with columns: {tokens: …} on the source, or let tokenize count them (count: true)`,
    );
  }
  if (!DataType.isInt(vector.type) && !DataType.isFloat(vector.type)) {
    throw new DataError(
      { file: batch.bundle.file, column: name },
      `expected numbers of tokens, found ${String(vector.type)}`,
    );
  }
  return { vector, name };
}

/** Quality scores of a batch, NaN where there is none. Throws a `DataError` for what is no finite number. */
export function qualityValues(batch: Batch, column: string): Float64Array {
  const vector = findColumn(batch.columns, column);
  if (!vector || !(DataType.isInt(vector.type) || DataType.isFloat(vector.type))) {
    const found = vector
      ? `it holds ${String(vector.type)}`
      : 'found none of this name, neither in the file nor made by the stages before';
    throw new DataError(
      { file: batch.bundle.file },
      `quality: expected a column "${column}" of numbers, ${found}`,
    );
  }
  return Float64Array.from({ length: batch.rows.length }, (_, row) => {
    const value: unknown = vector.get(row);
    const number = value === null ? Number.NaN : Number(value);
    if (Math.abs(number) === Infinity)
      throw new DataError(placeOf(batch, row, column), 'quality: expected a finite number, found infinity');
    return number;
  });
}

/** Whether docids are ordered as text or as numbers. */
export type DocidKind = 'text' | 'integer';

/** Docids of a batch as bytes in their order; undefined where the pool has no such column. */
export function docidReader(batch: Batch): { kind: DocidKind; read(row: number): Uint8Array } | undefined {
  const name = batch.roles.docid;
  if (name === undefined || !findColumn(batch.columns, name)) return undefined;
  const { vector } = roleColumn(batch, 'docid');
  const kind = isText(vector.type) ? 'text' : DataType.isInt(vector.type) ? 'integer' : undefined;
  if (!kind) {
    throw new DataError(
      { file: batch.bundle.file, column: name },
      `expected docids as text or whole numbers, found ${String(vector.type)}`,
    );
  }
  requireAll(vector, batch, name);
  const encode = docidEncoder();
  const text = kind === 'text' ? textReader(vector) : undefined;
  return { kind, read: (row) => encode(text ? text(row)! : (vector.get(row) as number | bigint)) };
}

/** Whether a document is selected must not decide whether its missing docid is noticed. */
function requireAll(vector: Vector, batch: Batch, name: string): void {
  if (vector.nullCount === 0) return;
  const row = batch.rows.findIndex((_, i) => !vector.isValid(i));
  throw new DataError(placeOf(batch, row, name), 'the docid is null; every document needs one');
}

/** The distances to rank by. */
export function distanceValues(batch: Batch, column: string): Float64Array {
  const values: unknown = batch.columns.getChild(column)?.toArray();
  if (values instanceof Float64Array) return values;
  throw new NagError(`there is no column "${column}" to rank by: put score before rank`);
}
