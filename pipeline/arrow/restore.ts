import { isUtf8 } from 'node:buffer';
import {
  BufferType,
  Data,
  DataType,
  Dictionary,
  Field,
  FixedSizeList,
  LargeList,
  LargeUtf8,
  List,
  Map_,
  RecordBatch,
  Schema,
  Struct,
  Timestamp,
  TimeUnit,
  Utf8,
  Vector,
} from 'apache-arrow';
import { DataError } from '../errors.js';
import { type Mark, markOf, withMark } from './parquet-marks.js';

/** A row in which a column's text is no valid UTF-8. */
export interface InvalidText {
  readonly row: number;
  readonly column: string;
}

const invalid = new WeakMap<RecordBatch, readonly InvalidText[]>();

/** Rows of a batch as it was read whose text is not valid, by row; mostly none. */
export function invalidTexts(batch: RecordBatch): readonly InvalidText[] {
  return invalid.get(batch) ?? [];
}

/** The schema of batches once they are restored. */
export function restoredSchema(schema: Schema): Schema {
  if (!schema.fields.some(isStored)) return schema;
  return new Schema(schema.fields.map(restoredField), schema.metadata);
}

/**
 * A batch with the types that its columns' marks tell of, where they were read as they are stored.
 * Errors: DataError for a time that its type cannot hold, naming the column and its row in the batch.
 */
export function restoreBatch(batch: RecordBatch): RecordBatch {
  if (!batch.schema.fields.some(isStored)) return batch;
  const bad: InvalidText[] = [];
  const fields = batch.schema.fields.map(restoredField);
  const children = batch.data.children.map((data, i) => {
    const field = batch.schema.fields[i]!;
    if (!isStored(field)) return data;
    try {
      const { data: restored, rows } = restoredColumn(field, data);
      for (const row of rows) bad.push({ row, column: field.name });
      return restored;
    } catch (cause) {
      if (!(cause instanceof Unrepresentable)) throw cause;
      throw new DataError({ row: cause.row, column: field.name }, cause.message);
    }
  });
  const data = new Data(new Struct(fields), 0, batch.numRows, 0, {}, children);
  const restored = new RecordBatch(new Schema(fields, batch.schema.metadata), data);
  if (bad.length > 0)
    invalid.set(
      restored,
      bad.sort((a, b) => a.row - b.row),
    );
  return restored;
}

class Unrepresentable extends Error {
  constructor(
    message: string,
    readonly row: number,
  ) {
    super(message);
  }
}

/** Whether a column, or one inside it, is read as it is stored. */
function isStored(field: Field): boolean {
  const mark = markOf(field);
  if (mark?.kind === 'INT96' || mark?.bytes) return true;
  return childrenOf(field.type).some(isStored);
}

function childrenOf(type: DataType): Field[] {
  const children: Field[] | null | undefined = type.children;
  return children ?? [];
}

function restoredField(field: Field): Field {
  if (!isStored(field)) return field;
  const mark = markOf(field);
  const type =
    mark?.kind === 'INT96'
      ? timestampType(mark)
      : mark?.bytes
        ? textType(field.type)
        : withChildren(field.type, childrenOf(field.type).map(restoredField));
  const typed = new Field(field.name, type, field.nullable, field.metadata);
  if (!mark?.bytes) return typed;
  const { bytes, ...rest } = mark;
  return withMark(typed, mark.kind === 'TEXT' ? undefined : rest);
}

function timestampType({ nanoseconds, timezone }: Mark): Timestamp {
  return new Timestamp(nanoseconds ? TimeUnit.NANOSECOND : TimeUnit.MICROSECOND, timezone ?? null);
}

function textType(type: DataType): DataType {
  if (DataType.isDictionary(type))
    return new Dictionary(textType(type.dictionary), type.indices, type.id, type.isOrdered);
  return DataType.isLargeBinary(type) ? new LargeUtf8() : new Utf8();
}

function withChildren(type: DataType, children: Field[]): DataType {
  if (DataType.isStruct(type)) return new Struct(children);
  if (DataType.isLargeList(type)) return new LargeList(children[0]!);
  if (DataType.isFixedSizeList(type)) return new FixedSizeList(type.listSize, children[0]!);
  if (DataType.isMap(type)) return new Map_(children[0]!, type.keysSorted);
  return new List(children[0]!);
}

/** The restored column, and its rows with text that is not valid. */
function restoredColumn(field: Field, data: Data): { data: Data; rows: number[] } {
  if (!isStored(field)) return { data, rows: [] };
  const mark = markOf(field);
  const { type } = restoredField(field);
  if (mark?.kind === 'INT96') return { data: timestamps(data, type as Timestamp), rows: [] };
  if (mark?.bytes) return texts(data, type);
  const inner = childrenOf(field.type).map((child, i) => restoredColumn(child, data.children[i]!));
  const rows = inner.flatMap((child) => child.rows.map((row) => parentOf(data, row)));
  const whole = retyped(
    data,
    type,
    inner.map((child) => child.data),
  );
  return { data: whole, rows: [...new Set(rows)] };
}

function retyped(
  data: Data,
  type: DataType,
  children: Data[] = data.children,
  dictionary = data.dictionary,
): Data {
  return new Data(type, data.offset, data.length, data.nullCount, data.buffers, children, dictionary);
}

/** The row that holds a value of its child. */
function parentOf({ type, valueOffsets, length }: Data, value: number): number {
  if (DataType.isFixedSizeList(type)) return Math.floor(value / type.listSize);
  if (DataType.isStruct(type)) return value;
  let [low, high] = [0, length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (Number(valueOffsets[middle]) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

const EPOCH_JULIAN_DAY = 2_440_588;

/** INT96: the nanoseconds of a day, then its Julian day number. */
function timestamps(data: Data, type: Timestamp): Data {
  const bytes = data.values as Uint8Array;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new BigInt64Array(data.length);
  const perDay = type.unit === TimeUnit.NANOSECOND ? 86_400_000_000_000n : 86_400_000_000n;
  for (let row = 0; row < data.length; row++) {
    if (!data.getValid(row)) continue;
    const nanoseconds = view.getBigInt64(row * 12, true);
    const days = BigInt(view.getInt32(row * 12 + 8, true) - EPOCH_JULIAN_DAY);
    if (type.unit === TimeUnit.MICROSECOND && nanoseconds % 1000n !== 0n)
      throw new Unrepresentable(
        'has nanoseconds, which microseconds cannot hold; set int96: ns on the stage that reads it, or leave the column out (without)',
        row,
      );
    const value = days * perDay + (type.unit === TimeUnit.NANOSECOND ? nanoseconds : nanoseconds / 1000n);
    if (BigInt.asIntN(64, value) !== value)
      throw new Unrepresentable(
        type.unit === TimeUnit.NANOSECOND
          ? 'is a time that nanoseconds cannot hold, which end in 2262; set int96: us on the stage that reads it, or leave the column out (without)'
          : 'is a time beyond the year 290000, which no timestamp can hold; leave the column out (without)',
        row,
      );
    values[row] = value;
  }
  return new Data(type, data.offset, data.length, data.nullCount, {
    [BufferType.DATA]: values,
    [BufferType.VALIDITY]: data.nullBitmap,
  });
}

/** Bytes as text. Values that are not valid stay as they are, and their rows are told. */
function texts(data: Data, type: DataType): { data: Data; rows: number[] } {
  if (DataType.isDictionary(type)) {
    const bad = new Set<number>();
    let first = 0;
    const chunks = data.dictionary!.data.map((chunk) => {
      const own = texts(chunk, type.dictionary);
      for (const row of own.rows) bad.add(first + row);
      first += chunk.length;
      return own.data;
    });
    const keys = data.values as Int32Array | BigInt64Array;
    const rows = bad.size === 0 ? [] : rowsOf(data, (row) => bad.has(Number(keys[row])));
    return { data: retyped(data, type, [], new Vector(chunks)), rows };
  }
  const offsets = data.valueOffsets as Int32Array | BigInt64Array;
  const bytes = data.values as Uint8Array;
  const valueAt = (row: number) => bytes.subarray(Number(offsets[row]), Number(offsets[row + 1]));
  const rows = allValid(bytes, offsets, data.length) ? [] : rowsOf(data, (row) => !isUtf8(valueAt(row)));
  return { data: retyped(data, type), rows };
}

/** Whether all bytes together are valid, and no value begins inside of a character. */
function allValid(bytes: Uint8Array, offsets: Int32Array | BigInt64Array, length: number): boolean {
  if (length === 0) return true;
  const end = Number(offsets[length]);
  for (let row = 0; row < length; row++) {
    const start = Number(offsets[row]);
    if (start < end && (bytes[start]! & 0xc0) === 0x80) return false;
  }
  return isUtf8(bytes.subarray(Number(offsets[0]), end));
}

function rowsOf(data: Data, test: (row: number) => boolean): number[] {
  return Array.from({ length: data.length }, (_, row) => row).filter(
    (row) => data.getValid(row) && test(row),
  );
}
