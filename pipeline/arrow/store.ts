import {
  Binary,
  BufferType,
  Data,
  DataType,
  DateDay,
  DateUnit,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  LargeList,
  List,
  Map_,
  RecordBatch,
  Schema,
  Struct,
  TimeMillisecond,
  Timestamp,
  TimeUnit,
  Utf8,
} from 'apache-arrow';
import { DataError } from '../errors.js';
import { isEncodable } from './arrow-hint.js';
import { markOf, withMark } from './parquet-marks.js';

/**
 * The schema that the encoder is given: types that Parquet has. Dates in milliseconds become days, seconds become
 * milliseconds, and times that were INT96 its 12 bytes. Without marks.
 */
export function storedSchema(schema: Schema): Schema {
  return new Schema(schema.fields.map(storedField), schema.metadata);
}

/**
 * The schema that a file reads back with, without marks: as `storedSchema`, but for INT96, which reads as a time,
 * intervals, which read as their 12 bytes, and views and some dictionaries, which read as plain columns.
 */
export function writtenSchema(schema: Schema): Schema {
  return new Schema(
    schema.fields.map((field) => mapTypes(field, readType)),
    schema.metadata,
  );
}

/** A batch of `schema` with the types of `stored`, its `storedSchema`. Errors: DataError for a value that would change. */
export function storedBatch(batch: RecordBatch, schema: Schema, stored: Schema): RecordBatch {
  const children = batch.data.children.map((data, i) => {
    const field = schema.fields[i]!;
    try {
      return storedData(field, stored.fields[i]!.type, data);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new DataError({ column: field.name }, cause.message, { cause });
    }
  });
  return new RecordBatch(stored, new Data(new Struct(stored.fields), 0, batch.numRows, 0, {}, children));
}

function storedField(field: Field): Field {
  return mapTypes(field, storedType);
}

/** The field without marks, with another type for each leaf. */
function mapTypes(field: Field, typeOf: (leaf: Field) => DataType): Field {
  const children = childrenOf(field.type);
  const type =
    children.length === 0
      ? typeOf(field)
      : withChildren(
          field.type,
          children.map((child) => mapTypes(child, typeOf)),
        );
  const bare = withMark(field, undefined);
  return type === field.type ? bare : new Field(bare.name, type, bare.nullable, bare.metadata);
}

function childrenOf(type: DataType): Field[] {
  const children: Field[] | null | undefined = type.children;
  return children ?? [];
}

function withChildren(type: DataType, children: Field[]): DataType {
  if (DataType.isStruct(type)) return new Struct(children);
  if (DataType.isLargeList(type)) return new LargeList(children[0]!);
  if (DataType.isFixedSizeList(type)) return new FixedSizeList(type.listSize, children[0]!);
  if (DataType.isMap(type)) return new Map_(children[0]!, type.keysSorted);
  return DataType.isList(type) ? new List(children[0]!) : type;
}

function readType(field: Field): DataType {
  const { type } = field;
  if (isInt96(field)) return type;
  if (DataType.isDictionary(type))
    return isEncodable(type.dictionary) ? type : readType(new Field(field.name, type.dictionary));
  if (DataType.isUtf8View(type)) return new Utf8();
  if (DataType.isBinaryView(type)) return new Binary();
  return DataType.isInterval(type) ? new FixedSizeBinary(12) : storedType(field);
}

function isInt96(field: Field): boolean {
  return DataType.isTimestamp(field.type) && markOf(field)?.kind === 'INT96';
}

function storedType(field: Field): DataType {
  const { type } = field;
  if (isInt96(field)) return new FixedSizeBinary(12);
  if (DataType.isDate(type) && type.unit === DateUnit.MILLISECOND) return new DateDay();
  if (DataType.isTime(type) && type.unit === TimeUnit.SECOND) return new TimeMillisecond();
  if (DataType.isTimestamp(type) && type.unit === TimeUnit.SECOND)
    return new Timestamp(TimeUnit.MILLISECOND, type.timezone);
  return type;
}

function storedData(field: Field, stored: DataType, data: Data): Data {
  const { type } = field;
  const children = childrenOf(type);
  if (children.length > 0) {
    const own = childrenOf(stored);
    const inside = data.children.map((child, i) => storedData(children[i]!, own[i]!.type, child));
    return new Data(stored, data.offset, data.length, data.nullCount, data.buffers, inside);
  }
  const as = (values: DataType['TArray']): Data =>
    new Data(stored, data.offset, data.length, data.nullCount, {
      [BufferType.DATA]: values,
      [BufferType.VALIDITY]: data.nullBitmap,
    });
  const { values } = data;
  if (isInt96(field)) return as(int96(data, type as Timestamp));
  if (DataType.isDate(type) && type.unit === DateUnit.MILLISECOND) return as(days(data));
  if (DataType.isTime(type) && type.unit === TimeUnit.SECOND)
    return as(Int32Array.from(values as Int32Array, (seconds) => seconds * 1000));
  if (DataType.isTimestamp(type) && type.unit === TimeUnit.SECOND) return as(milliseconds(data));
  return data;
}

const MS_PER_DAY = 86_400_000n;

function days(data: Data): Int32Array {
  return Int32Array.from(data.values as BigInt64Array, (value, row) => {
    if (!data.getValid(row)) return 0;
    const day = BigInt.asIntN(32, value / MS_PER_DAY);
    if (day * MS_PER_DAY !== value)
      throw new RangeError(
        `row ${row} of a batch: ${value} ms is no whole day, which is all that a date of Parquet holds; make it a timestamp`,
      );
    return Number(day);
  });
}

function milliseconds(data: Data): BigInt64Array {
  return (data.values as BigInt64Array).map((value, row) => {
    if (!data.getValid(row)) return 0n;
    const scaled = value * 1000n;
    if (BigInt.asIntN(64, scaled) !== scaled)
      throw new RangeError(`row ${row} of a batch: ${value} s is no time that milliseconds can hold`);
    return scaled;
  });
}

const EPOCH_JULIAN_DAY = 2_440_588n;

/** As INT96: the nanoseconds of the day, then its Julian day number. */
function int96(data: Data, { unit }: Timestamp): Uint8Array {
  const [perDay, nanoseconds] =
    unit === TimeUnit.NANOSECOND ? [86_400_000_000_000n, 1n] : [86_400_000_000n, 1000n];
  const times = data.values as BigInt64Array;
  const bytes = new Uint8Array(12 * data.length);
  const view = new DataView(bytes.buffer);
  for (let row = 0; row < data.length; row++) {
    if (!data.getValid(row)) continue;
    const time = times[row]!;
    const ofDay = ((time % perDay) + perDay) % perDay;
    view.setBigInt64(12 * row, ofDay * nanoseconds, true);
    view.setInt32(12 * row + 8, Number((time - ofDay) / perDay + EPOCH_JULIAN_DAY), true);
  }
  return bytes;
}
