import {
  type Data,
  DataType,
  type Field,
  type Int,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
  vectorFromArray,
} from 'apache-arrow';
import { DataError, type Place } from '../../pipeline/errors.js';
import { isExactFloat, type NamedType } from './infer.js';
import { describeJson, isNumber, isScalar, jsonText, scalarText } from './json-text.js';
import { isLiteral, significant, WrittenNumber, wholeNumber } from './written-numbers.js';

export type InvalidText = 'fail' | 'replace';

/** How values become columns, and what to do with text that is no valid Unicode. */
export interface Conversion {
  readonly invalidText: InvalidText;
  /** Told of each row whose text was replaced. */
  replaced(): void;
  /** Told of each NaN or infinity, and what became of it. */
  nonFinite?(place: Place, became: 'number' | 'null'): void;
  /** Told of each fraction that has more digits than a 64-bit float. */
  rounded?(place: Place, written: string): void;
  /** Types that the user has named, by column. */
  readonly types?: Readonly<Record<string, NamedType>>;
  /** The column of docids, in which no two numbers may become one. */
  readonly docid?: string | undefined;
  /** Columns by name that are not made by their type. */
  readonly makers?: ReadonlyMap<string, ColumnMaker>;
}

/** A column with a form of its own, whatever its values suggest. */
export interface ColumnMaker {
  readonly field: Field;
  /** A row's value; errors name its place. */
  cell(row: ParsedRow): unknown;
  /** The column of such values. */
  make(cells: readonly unknown[]): Data;
}

/** Rows as parsed, with the place of each. */
export interface ParsedRow {
  readonly value: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

/** A row's values, one a field. Throws a `DataError` with file, line and column for one that its type cannot hold. */
export function cellsOf(row: ParsedRow, fields: readonly Field[], conversion: Conversion): unknown[] {
  return fields.map((field) => {
    const { name } = field;
    const maker = conversion.makers?.get(name);
    if (maker) return maker.cell(row);
    const value = own(row.value, name);
    return (
      plainCell(value, field) ?? convert(value, field, { ...row.place, column: name, top: name }, conversion)
    );
  });
}

/** The cell of most values, which are what their column holds; undefined for all others. */
function plainCell(value: unknown, { type, metadata }: Field): unknown {
  if (typeof value === 'string')
    return DataType.isUtf8(type) && metadata.size === 0 && value.isWellFormed() ? value : undefined;
  if (typeof value === 'number') {
    if (DataType.isFloat(type)) return value;
    return DataType.isInt(type) && type.isSigned && Number.isSafeInteger(value) ? BigInt(value) : undefined;
  }
  return undefined;
}

/** Columns of rows of such values. */
export function toRecordBatch(
  rows: readonly (readonly unknown[])[],
  schema: Schema,
  makers: Conversion['makers'],
): RecordBatch {
  const children = schema.fields.map((field, i) => {
    const cells = rows.map((row) => row[i]);
    return makers?.get(field.name)?.make(cells) ?? vectorFromArray(cells, field.type).data[0]!;
  });
  const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children });
  return new RecordBatch(schema, data);
}

/** Throws where a row has a key that its column list does not. */
export function checkKeys(row: ParsedRow, known: ReadonlySet<string>): void {
  for (const key of Object.keys(row.value)) {
    if (!known.has(key)) {
      throw new DataError(
        row.place,
        `has the column "${key}", which the rows that were looked at for types do not have; name its type under types: {${key}: …}, or set infer_rows: all`,
      );
    }
  }
}

/** The place of a value, and the column of the row that it is in: the one that `types` can name. */
interface ValuePlace extends Place {
  readonly column: string;
  readonly top: string;
}

/** A key of the row itself: every object has a `constructor` that it was not given. */
export function own(row: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(row, key) ? row[key] : undefined;
}

function convert(value: unknown, field: Field, place: ValuePlace, conversion: Conversion): unknown {
  if (value === null || value === undefined) return null;
  const { type } = field;
  if (field.metadata.get('nag.json') === 'true') {
    const json = jsonText(value, () => conversion.nonFinite?.(place, 'null'));
    return json === 'null' ? null : text(json, place, conversion);
  }
  if (DataType.isUtf8(type)) {
    if (typeof value === 'string') return text(value, place, conversion);
    if (namedType(place, conversion) === 'string' && isScalar(value)) return scalarText(value);
  }
  if (DataType.isInt(type) && isNumber(value)) return integer(value, type, place, conversion);
  if (DataType.isFloat(type) && typeof value === 'number') return value;
  if (DataType.isFloat(type) && value instanceof WrittenNumber) return float(value.text, place, conversion);
  if (DataType.isBool(type) && typeof value === 'boolean') return value;
  if (DataType.isList(type) && Array.isArray(value))
    return value.map((item) => convert(item, type.children[0]!, place, conversion));
  if (DataType.isStruct(type) && typeof value === 'object' && !isNumber(value) && !Array.isArray(value))
    return struct(value, type, place, conversion);
  throw unfit(value, type, place, conversion);
}

function unfit(value: unknown, type: DataType, place: ValuePlace, conversion: Conversion): DataError {
  const named = namedType(place, conversion);
  const expected = `expected ${nameOf(type)}, as ${named === undefined ? 'in the rows before' : `types: {${place.top}: ${named}} says`}, found ${describeJson(value)}`;
  const infer = named === undefined ? ', or set infer_rows: all' : '';
  return new DataError(
    place,
    `${expected}; name the column's type under types: {${place.top}: ${remedy(value, type, place)}}${infer}`,
  );
}

/** The narrowest type that takes the value and those before; json takes all. */
function remedy(value: unknown, type: DataType, place: ValuePlace): NamedType {
  if (place.column !== place.top || !isNumber(value)) return 'json';
  if (DataType.isInt(type)) return 'float';
  return DataType.isUtf8(type) ? 'string' : 'json';
}

function namedType({ column, top }: ValuePlace, { types }: Conversion): NamedType | undefined {
  return column === top && types && Object.hasOwn(types, top) ? types[top] : undefined;
}

function struct(
  value: object,
  type: Struct,
  place: ValuePlace,
  conversion: Conversion,
): Record<string, unknown> {
  const row = value as Record<string, unknown>;
  const cells: [string, unknown][] = [];
  let found = 0;
  for (const child of type.children as Field[]) {
    const { name } = child;
    const inner = own(row, name);
    if (inner !== undefined) found++;
    cells.push([name, plainCell(inner, child) ?? convertInner(inner, child, place, conversion)]);
  }
  if (found < Object.keys(row).length) refuseKeys(row, type, place);
  return Object.fromEntries(cells);
}

function convertInner(value: unknown, child: Field, place: ValuePlace, conversion: Conversion): unknown {
  return convert(value, child, { ...place, column: `${place.column}.${child.name}` }, conversion);
}

/** Throws where an object has a key that its type has not. */
function refuseKeys(row: Readonly<Record<string, unknown>>, type: Struct, place: ValuePlace): void {
  const known = new Set(type.children.map((child) => String(child.name)));
  const unknown = Object.keys(row).find((key) => !known.has(key));
  if (unknown === undefined) return;
  throw new DataError(
    place,
    `has the key "${unknown}", which the rows before do not have; name the column's type under types: {${place.top}: json}, or set infer_rows: all`,
  );
}

function integer(
  value: number | WrittenNumber,
  type: Int,
  place: ValuePlace,
  conversion: Conversion,
): bigint {
  const written = typeof value === 'number' ? String(value) : value.text;
  const whole = Number.isSafeInteger(value) ? BigInt(Number(value)) : wholeNumber(written);
  if (whole === undefined) throw unfit(value, type, place, conversion);
  const fits = type.isSigned ? BigInt.asIntN(64, whole) === whole : BigInt.asUintN(64, whole) === whole;
  if (fits) return whole;
  const isUint = place.column === place.top && BigInt.asUintN(64, whole) === whole;
  const uint = isUint ? `types: {${place.top}: uint}, if no number of it is below 0, or ` : '';
  throw new DataError(
    place,
    `the whole number ${written} is beyond the ${type.isSigned ? '' : 'unsigned '}64-bit integers of the column; keep its digits with ${uint}types: {${place.top}: json}`,
  );
}

/** A number as the nearest 64-bit float. Whole numbers must be one, unless the user has named the type. */
function float(written: string, place: ValuePlace, conversion: Conversion): number {
  const value = Number(written);
  if (isLiteral(written)) {
    conversion.nonFinite?.(place, 'number');
    return value;
  }
  if (!Number.isFinite(value))
    throw new DataError(
      place,
      `the number ${written} is beyond the 64-bit floats of the column; keep its digits with types: {${place.top}: json}`,
    );
  const whole = /[.eE]/.test(written) ? undefined : wholeNumber(written);
  if (whole === undefined) {
    if (significant(written) > 17) conversion.rounded?.(place, written);
    return value;
  }
  if (isExactFloat(written, whole)) return value;
  const named = namedType(place, conversion) === 'float';
  if (named && place.top !== conversion.docid) {
    conversion.rounded?.(place, written);
    return value;
  }
  const accept =
    place.top === conversion.docid ? '' : `, or accept that it is rounded under types: {${place.top}: float}`;
  throw new DataError(
    place,
    `the whole number ${written} is none of the 64-bit floats of the column; keep its digits with types: {${place.top}: json}${accept}`,
  );
}

function nameOf(type: DataType): string {
  if (DataType.isUtf8(type)) return 'text';
  if (DataType.isInt(type)) return 'a whole number';
  if (DataType.isFloat(type)) return 'a number';
  if (DataType.isBool(type)) return 'true or false';
  return DataType.isList(type) ? 'a list' : 'an object';
}

function text(value: string, place: Place, conversion: Conversion): string {
  if (value.isWellFormed()) return value;
  if (conversion.invalidText === 'fail')
    throw new DataError(
      place,
      'holds half a surrogate pair, which is no valid Unicode; repair it, or set invalid_text: replace',
    );
  conversion.replaced();
  return value.toWellFormed();
}
