import { DataType, type Vector } from 'apache-arrow';
import { isText, textReader } from '../../pipeline/arrow/text.js';
import { type Batch, findColumn, namedColumn, placeOf, roleColumn } from '../../pipeline/batch.js';
import { schemaNote } from '../../pipeline/columns-note.js';
import { DataError, NagError } from '../../pipeline/errors.js';
import type { Fault } from '../../pipeline/faults.js';
import { docidEncoder } from '../nag/docid.js';

const maxTokens = 2 ** 32 - 1;

/** What is wrong with a row of a batch, by its position. */
export type FaultOf = (row: number) => Fault | undefined;

/** Token counts of a batch; null and NaN count 0. Throws a `DataError` for what is no count. */
export function tokenCounts(batch: Batch): Float64Array {
  const read = cellReader(tokenColumn(batch).vector);
  const faultOf = tokenFaults(batch);
  const counts = new Float64Array(batch.rows.length);
  for (let row = 0; row < counts.length; row++) {
    const fault = faultOf(row);
    if (fault) throw new DataError(placeOf(batch, row, fault.column), fault.reason);
    counts[row] = Number(read(row)) || 0;
  }
  return counts;
}

/** What is no count of tokens. */
export function tokenFaults(batch: Batch): FaultOf {
  const { vector, name } = tokenColumn(batch);
  const read = cellReader(vector);
  return (row) => {
    const value = read(row);
    const count = value === null ? 0 : Number(value);
    if (Number.isNaN(count) || (count >= 0 && count <= maxTokens && Number.isInteger(count)))
      return undefined;
    const reason = `expected a number of tokens (a whole number of at least 0), found ${String(value)}`;
    return { reason, column: name };
  };
}

/** `vector.get`, faster where numbers are stored as such and none is missing. */
function cellReader(vector: Vector): (row: number) => unknown {
  const [data, ...more] = vector.data;
  const plain: unknown = data?.values;
  const isPlain =
    plain instanceof Int32Array ||
    plain instanceof Uint32Array ||
    plain instanceof BigInt64Array ||
    plain instanceof Float64Array;
  if (!isPlain || more.length > 0 || vector.nullCount > 0) return (row) => vector.get(row);
  return (row) => plain[row];
}

function tokenColumn(batch: Batch): { vector: Vector; name: string } {
  const name = batch.roles.tokens;
  const vector = name === undefined ? undefined : findColumn(batch.columns, name);
  if (!vector || name === undefined) {
    throw new DataError(
      { file: batch.bundle.file },
      `there is no column "${name}" with token counts for the budget${schemaNote(batch.columns.schema)}; name it with columns: {tokens: …} on the source, or let tokenize count them (count: true)`,
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

/** Quality scores of a batch, NaN where there is none. */
export function qualityValues(batch: Batch, column: string): Float64Array {
  const vector = qualityColumn(batch, column);
  return Float64Array.from(batch.rows, (_, row) => {
    const value: unknown = vector.get(row);
    return value === null ? Number.NaN : Number(value);
  });
}

/** What is no quality: infinity. */
export function qualityFaults(batch: Batch, column: string): FaultOf {
  const vector = qualityColumn(batch, column);
  return (row) =>
    Math.abs(Number(vector.get(row))) === Infinity
      ? { reason: 'quality: expected a finite number, found infinity', column }
      : undefined;
}

function qualityColumn(batch: Batch, column: string): Vector {
  const vector = namedColumn(batch, column);
  const type = vector?.type;
  if (vector && (DataType.isInt(type) || DataType.isFloat(type) || DataType.isNull(type))) return vector;
  const found = vector
    ? `it holds ${String(vector.type)}`
    : 'found none of this name, neither in the file nor made by the stages before';
  throw new DataError(
    { file: batch.bundle.file },
    `quality: expected a column "${column}" of numbers, ${found}`,
  );
}

/** Whether docids are ordered as text or as numbers. */
export type DocidKind = 'text' | 'integer';

/** Docids that are missing. Whether a document is selected must not decide whether that is noticed. */
export function docidFaults(batch: Batch, reason = 'the docid is null; every document needs one'): FaultOf {
  const column = batch.roles.docid;
  const vector = column === undefined ? undefined : findColumn(batch.columns, column);
  if (!vector || vector.nullCount === 0) return () => undefined;
  return (row) => (vector.isValid(row) ? undefined : { reason, column });
}

/** Docids of a batch, of which none is missing, as bytes in their order; undefined where the pool has no such column. */
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
  const encode = docidEncoder();
  const text = kind === 'text' ? textReader(vector) : undefined;
  return { kind, read: (row) => encode(text ? text(row)! : (vector.get(row) as number | bigint)) };
}

/** The distances to rank by. */
export function distanceValues(batch: Batch, column: string): Float64Array {
  const values: unknown = batch.columns.getChild(column)?.toArray();
  if (values instanceof Float64Array) return values;
  throw new NagError(`there is no column "${column}" to rank by: put score before rank`);
}
