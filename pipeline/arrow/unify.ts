import {
  Binary,
  DataType,
  DateDay,
  Decimal,
  Dictionary,
  Duration,
  Field,
  FixedSizeList,
  Float,
  Int,
  Int32,
  LargeBinary,
  LargeUtf8,
  List,
  Map_,
  Precision,
  Struct,
  Timestamp,
  TimeUnit,
  Utf8,
} from 'apache-arrow';
import { sameType } from './parquet-types.js';

/**
 * The type that holds the values of both, or undefined where none does without changing them. As DuckDB's
 * `union_by_name` and Arrow's permissive promotion: null gives way; text, numbers and times widen; a dictionary beside
 * its plain type is plain; structs have the fields of both. Two dictionaries get an index that takes both.
 */
export function unifyTypes(one: DataType, other: DataType): DataType | undefined {
  const [a, b] = [delivered(one), delivered(other)];
  if (DataType.isNull(a)) return b;
  if (DataType.isNull(b)) return a;
  if (DataType.isDictionary(a) && DataType.isDictionary(b)) return unifyDictionaries(a, b);
  if (DataType.isDictionary(a)) return unifyTypes(a.dictionary, b);
  if (DataType.isDictionary(b)) return unifyTypes(a, b.dictionary);
  if (isNested(a) || isNested(b)) return unifyNested(a, b);
  if (sameType(a, b)) return a;
  return unifyBytes(a, b) ?? unifyNumbers(a, b) ?? unifyTimes(a, b);
}

/** One field of both: it may hold nulls where one of them may. Texts that are JSON are no other texts. */
export function unifyFields(a: Field, b: Field): Field | undefined {
  const type = unifyTypes(a.type, b.type);
  if (!type) return undefined;
  const isNull = DataType.isNull(a.type) || DataType.isNull(b.type);
  if (!isNull && isJson(a) !== isJson(b)) return undefined;
  const metadata = DataType.isNull(a.type) ? b.metadata : a.metadata;
  return new Field(a.name, type, a.nullable || b.nullable || isNull, metadata);
}

function isJson(field: Field): boolean {
  return field.metadata.get('nag.json') === 'true';
}

/** As batches have it: the decoder lists views, and delivers plain text, binary and lists. */
export function delivered(type: DataType): DataType {
  if (DataType.isUtf8View(type)) return new Utf8();
  if (DataType.isBinaryView(type)) return new Binary();
  if (DataType.isStruct(type)) {
    const children = type.children.map(deliveredField);
    return children.every((child, i) => child === type.children[i]) ? type : new Struct(children);
  }
  if (!DataType.isList(type)) return type;
  const child = deliveredField(type.children[0]!);
  return child === type.children[0] ? type : new List(child);
}

/** A field of a type that batches have. */
export function deliveredField(field: Field): Field {
  const type = delivered(field.type);
  return type === field.type ? field : new Field(field.name, type, field.nullable, field.metadata);
}

function unifyDictionaries(a: Dictionary, b: Dictionary): DataType | undefined {
  const values = unifyTypes(a.dictionary, b.dictionary);
  if (!values) return undefined;
  const wide = [a, b].find(({ indices }) => indices.bitWidth > 32);
  return new Dictionary(values, wide?.indices ?? new Int32(), a.id, a.isOrdered && b.isOrdered);
}

function isNested(type: DataType): boolean {
  return isList(type) || DataType.isStruct(type) || DataType.isMap(type) || DataType.isUnion(type);
}

function isList(type: DataType): boolean {
  return DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type);
}

function unifyNested(a: DataType, b: DataType): DataType | undefined {
  if (DataType.isStruct(a) && DataType.isStruct(b)) return unifyStructs(a, b);
  if (DataType.isMap(a) && DataType.isMap(b)) {
    const entries = a.children[0]!.type.children.map((field, i) =>
      unifyFields(field, b.children[0]!.type.children[i]!),
    );
    const [key, value] = entries;
    if (!key || !value) return undefined;
    const type = new Struct([key, value]) as Struct<{ key: DataType; value: DataType }>;
    return new Map_(new Field(a.children[0]!.name, type, false), a.keysSorted && b.keysSorted);
  }
  if (!isList(a) || !isList(b)) return sameType(a, b) ? a : undefined;
  const item = unifyFields(a.children[0] as Field, b.children[0] as Field);
  if (!item) return undefined;
  if (DataType.isFixedSizeList(a) && DataType.isFixedSizeList(b) && a.listSize === b.listSize)
    return new FixedSizeList(a.listSize, item);
  return new List(item);
}

function unifyStructs(a: Struct, b: Struct): Struct | undefined {
  const fields: Field[] = [];
  for (const field of [...a.children, ...b.children]) {
    if (fields.some(({ name }) => name === field.name)) continue;
    const [mine, others] = [a, b].map(({ children }) => children.find(({ name }) => name === field.name));
    const both = mine && others ? unifyFields(mine, others) : asNullable(deliveredField(field));
    if (!both) return undefined;
    fields.push(both);
  }
  return new Struct(fields);
}

/** The field, that may hold nulls. */
export function asNullable(field: Field): Field {
  return field.nullable ? field : new Field(field.name, field.type, true, field.metadata);
}

function unifyBytes(a: DataType, b: DataType): DataType | undefined {
  const both = (is: (type: DataType) => boolean) => is(a) && is(b);
  if (both((type) => DataType.isUtf8(type) || DataType.isLargeUtf8(type)))
    return both(DataType.isLargeUtf8) ? new LargeUtf8() : new Utf8();
  const isBytes = (type: DataType) =>
    DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isFixedSizeBinary(type);
  if (!both(isBytes)) return undefined;
  return both(DataType.isLargeBinary) ? new LargeBinary() : new Binary();
}

function unifyNumbers(a: DataType, b: DataType): DataType | undefined {
  if (DataType.isInt(a) && DataType.isInt(b)) return unifyInts(a, b);
  if (DataType.isFloat(a) && DataType.isFloat(b)) return a.precision > b.precision ? a : b;
  if (DataType.isFloat(a)) return unifyFloat(a, b);
  if (DataType.isFloat(b)) return unifyFloat(b, a);
  const [x, y] = [asDecimal(a), asDecimal(b)];
  return x && y ? unifyDecimals(x, y) : undefined;
}

/** Two that only 65 bits would hold become a decimal. */
function unifyInts(a: Int, b: Int): DataType {
  if (a.isSigned === b.isSigned) return a.bitWidth > b.bitWidth ? a : b;
  const [signed, unsigned] = a.isSigned ? [a, b] : [b, a];
  const bits = Math.max(signed.bitWidth, unsigned.bitWidth * 2);
  return bits > 64 ? new Decimal(0, 20, 128) : new Int(true, bits as Int['bitWidth']);
}

/** Small integers fit a float of 32 bits; others are checked one by one. */
function unifyFloat(float: Float, other: DataType): DataType | undefined {
  if (DataType.isInt(other) && other.bitWidth <= 16)
    return float.precision === Precision.HALF ? new Float(Precision.SINGLE) : float;
  return DataType.isInt(other) || DataType.isDecimal(other) ? new Float(Precision.DOUBLE) : undefined;
}

function asDecimal(type: DataType): Decimal | undefined {
  if (DataType.isDecimal(type)) return type;
  if (!DataType.isInt(type)) return undefined;
  const digits = { 8: 3, 16: 5, 32: 10, 64: type.isSigned ? 19 : 20 }[type.bitWidth];
  return new Decimal(0, digits, 128);
}

function unifyDecimals(a: Decimal, b: Decimal): Decimal | undefined {
  const scale = Math.max(a.scale, b.scale);
  const precision = Math.max(a.precision - a.scale, b.precision - b.scale) + scale;
  if (precision > 76) return undefined;
  return new Decimal(scale, precision, precision > 38 ? 256 : 128);
}

function unifyTimes(a: DataType, b: DataType): DataType | undefined {
  if (DataType.isDate(a) && DataType.isDate(b)) return new DateDay();
  if (DataType.isTime(a) && DataType.isTime(b)) return a.unit > b.unit ? a : b;
  if (DataType.isDuration(a) && DataType.isDuration(b)) return new Duration(Math.max(a.unit, b.unit));
  if (DataType.isTimestamp(a) && DataType.isTimestamp(b)) return unifyTimestamps(a, b);
  const [date, time] = DataType.isDate(a) ? [a, b] : [b, a];
  if (!DataType.isDate(date) || !DataType.isTimestamp(time) || time.timezone) return undefined;
  return time.unit === TimeUnit.SECOND ? new Timestamp(TimeUnit.MILLISECOND) : time;
}

/** Moments of two time zones are moments; a moment and a wall clock have nothing in common. */
function unifyTimestamps(a: Timestamp, b: Timestamp): Timestamp | undefined {
  const unit = Math.max(a.unit, b.unit);
  const [zone, other] = [a.timezone ?? '', b.timezone ?? ''];
  if ((zone === '') !== (other === '')) return undefined;
  return zone === '' ? new Timestamp(unit) : new Timestamp(unit, zone === other ? zone : 'UTC');
}
