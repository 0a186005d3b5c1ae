import { DataType, type Field, IntervalUnit, type Schema, util } from 'apache-arrow';
import { DataError } from '../errors.js';

/** Errors: DataError naming the first column whose type Parquet has no place for, or when there is no column. */
export function checkStorable(schema: Schema, path: string): void {
  if (schema.fields.length === 0) {
    throw new DataError({ file: path }, 'cannot be written: its rows have no columns, and Parquet needs one');
  }
  for (const field of schema.fields) {
    if (!unstorable(field)) continue;
    throw new DataError(
      { file: path, column: field.name },
      `has the type ${String(field.type)}, which Parquet cannot store; drop the column, or cast it`,
    );
  }
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

function unstorable({ type }: Field): boolean {
  if (DataType.isUnion(type)) return true;
  if (DataType.isInterval(type)) return type.unit === IntervalUnit.MONTH_DAY_NANO;
  return childrenOf(type).some(unstorable);
}
