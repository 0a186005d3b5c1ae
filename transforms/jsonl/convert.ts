import {
  type Data,
  DataType,
  type Field,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
  vectorFromArray,
} from 'apache-arrow';
import { describeValue } from '../../pipeline/describe-value.js';
import { DataError, type Place } from '../../pipeline/errors.js';

export type InvalidText = 'fail' | 'replace';

/** How values become columns, and what to do with text that is no valid Unicode. */
export interface Conversion {
  readonly invalidText: InvalidText;
  /** Told of each row whose text was replaced. */
  replaced(): void;
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
    return convert(own(row.value, name), field, { ...row.place, column: name, top: name }, conversion);
  });
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
  if (field.metadata.get('nag.json') === 'true') return text(JSON.stringify(value), place, conversion);
  if (DataType.isUtf8(type)) {
    if (typeof value === 'string') return text(value, place, conversion);
    if (typeof value === 'object' && Object.keys(value).length === 0) return JSON.stringify(value);
  }
  if (DataType.isInt(type) && typeof value === 'number' && Number.isInteger(value))
    return integer(value, place);
  if (DataType.isFloat(type) && typeof value === 'number') return value;
  if (DataType.isBool(type) && typeof value === 'boolean') return value;
  if (DataType.isList(type) && Array.isArray(value))
    return value.map((item) => convert(item, type.children[0]!, place, conversion));
  if (DataType.isStruct(type) && typeof value === 'object' && !Array.isArray(value))
    return struct(value, type, place, conversion);
  throw new DataError(
    place,
    `expected ${nameOf(type)}, as in the rows before, found ${describeValue(value)}; name the column's type under types: {${place.top}: json}, or set infer_rows: all`,
  );
}

function struct(
  value: object,
  type: Struct,
  place: ValuePlace,
  conversion: Conversion,
): Record<string, unknown> {
  const known = new Set(type.children.map((child) => String(child.name)));
  const unknown = Object.keys(value).find((key) => !known.has(key));
  if (unknown !== undefined)
    throw new DataError(
      place,
      `has the key "${unknown}", which the rows before do not have; name the column's type under types: {${place.top}: json}, or set infer_rows: all`,
    );
  return Object.fromEntries(
    type.children.map((child) => {
      const name = String(child.name);
      const inner = own(value as Record<string, unknown>, name);
      return [name, convert(inner, child, { ...place, column: `${place.column}.${name}` }, conversion)];
    }),
  );
}

function integer(value: number, place: ValuePlace): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value);
  const accept = place.column === place.top ? `, or accept that under types: {${place.top}: float}` : '';
  throw new DataError(
    place,
    `the whole number ${value} is beyond 2^53 and may have lost digits; write it as text${accept}`,
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
