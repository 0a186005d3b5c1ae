import { DataType, DateUnit, type Field, IntervalUnit, type Schema, TimeUnit, util } from 'apache-arrow';
import { DataError } from '../errors.js';

/** A column that Parquet has no place for. */
export interface CannotCarry {
  readonly column: string;
  /** What is wrong with it, and what to do. */
  readonly reason: string;
}

/** Columns of a schema that cannot be written as Parquet with their values and types, known before anything is read. */
export function cannotCarry(schema: Schema): CannotCarry[] {
  return schema.fields.flatMap((field) => {
    const type = unstorable(field);
    if (type === undefined) return [];
    const inside = type === field.type ? '' : `, inside of ${String(field.type)}`;
    const reason = `has the type ${String(type)}${inside}, which Parquet cannot store; leave it out with columns on the stage that writes (or without on read.parquet, if it is from there), or make it of another type`;
    return [{ column: field.name, reason }];
  });
}

/** Errors: DataError naming the first column whose type Parquet has no place for, or when there is no column. */
export function checkStorable(schema: Schema, path: string): void {
  if (schema.fields.length === 0) {
    throw new DataError({ file: path }, 'cannot be written: its rows have no columns, and Parquet needs one');
  }
  const [first] = cannotCarry(schema);
  if (first) throw new DataError({ file: path, column: first.column }, first.reason);
}

/** What differs between two schemas, in words, or undefined. Metadata is not compared. */
export function schemaDifference(expected: Schema, found: Schema): string | undefined {
  if (expected.fields.length !== found.fields.length) {
    return `expected ${expected.fields.length} columns, found ${found.fields.length}`;
  }
  const index = expected.fields.findIndex((field, at) => !sameField(field, found.fields[at]!));
  if (index < 0) return undefined;
  return `expected column ${index} to be ${fieldText(expected.fields[index]!)}, found ${fieldText(found.fields[index]!)}`;
}

function sameField(a: Field, b: Field): boolean {
  return a.name === b.name && sameType(a.type, b.type);
}

/** Ids of dictionaries and names inside lists and maps carry no meaning: they differ between equal columns. */
export function sameType(a: DataType, b: DataType): boolean {
  if (DataType.isDictionary(a) && DataType.isDictionary(b)) {
    return sameType(a.indices, b.indices) && sameType(a.dictionary, b.dictionary);
  }
  if (DataType.isTimestamp(a) && DataType.isTimestamp(b)) {
    return a.unit === b.unit && (a.timezone ?? '') === (b.timezone ?? '');
  }
  // The library takes any two decimals for alike.
  if (DataType.isDecimal(a) && DataType.isDecimal(b))
    return a.scale === b.scale && a.precision === b.precision && a.bitWidth === b.bitWidth;
  if (DataType.isFixedSizeList(a) && DataType.isFixedSizeList(b) && a.listSize !== b.listSize) return false;
  const [inA, inB] = [childrenOf(a), childrenOf(b)];
  // The library compares constructors one way only: Int64 is an Int of 64 bits, not the other way round.
  if (inA.length === 0) return util.compareTypes(a, b) || util.compareTypes(b, a);
  if (a.typeId !== b.typeId || inA.length !== inB.length) return false;
  const named = DataType.isStruct(a);
  return inA.every((child, at) => {
    const other = inB[at]!;
    return (!named || child.name === other.name) && sameType(child.type, other.type);
  });
}

/** The declared type says there is always an array; primitive types have none. */
function childrenOf(type: DataType): Field[] {
  const children: Field[] | null | undefined = type.children;
  return children ?? [];
}

function fieldText(field: Field): string {
  return `"${field.name}" ${String(field.type)}`;
}

/** Values of a dictionary that the encoder writes as they are. */
function isPlain(type: DataType): boolean {
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY;
  if (DataType.isTimestamp(type) || DataType.isTime(type)) return type.unit !== TimeUnit.SECOND;
  // Of dictionaries of fixed binary the encoder writes other bytes.
  if (DataType.isFixedSizeBinary(type) || DataType.isInterval(type)) return false;
  return childrenOf(type).length === 0;
}

/** The type, its own or one inside, that Parquet lacks: the encoder panics at it, or writes another. */
function unstorable({ type }: Field): DataType | undefined {
  if (DataType.isUnion(type)) return type;
  if (DataType.isInterval(type)) return type.unit === IntervalUnit.MONTH_DAY_NANO ? type : undefined;
  // Their values would have to be cast, and Arrow has no such dictionaries in Parquet.
  if (DataType.isDictionary(type) && !isPlain(type.dictionary)) return type;
  if (DataType.isStruct(type) && type.children.length === 0) return type;
  for (const child of childrenOf(type)) {
    const inside = unstorable(child);
    if (inside) return inside;
  }
  return undefined;
}
