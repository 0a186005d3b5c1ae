import {
  DataType,
  type Field,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
  vectorFromArray,
} from 'apache-arrow';
import { describeValue } from '../../pipeline/config/problems.js';
import { DataError, type Place } from '../../pipeline/errors.js';

export type InvalidText = 'fail' | 'replace';

/** How values become columns, and what to do with text that is no valid Unicode. */
export interface Conversion {
  readonly invalidText: InvalidText;
  /** Told of each row whose text was replaced. */
  replaced(): void;
}

/** Rows as parsed, with the place of each. */
export interface ParsedRow {
  readonly value: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

/** Columns of parsed rows. Throws a `DataError` with file, line and column for a value that its type cannot hold. */
export function toRecordBatch(
  rows: readonly ParsedRow[],
  schema: Schema,
  conversion: Conversion,
): RecordBatch {
  const children = schema.fields.map((field) => {
    const values = rows.map(({ value, place }) =>
      convert(value[field.name], field, { ...place, column: field.name }, conversion),
    );
    return vectorFromArray(values, field.type).data[0]!;
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

function convert(value: unknown, field: Field, place: Place, conversion: Conversion): unknown {
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
  const name = place.column ?? '';
  throw new DataError(
    place,
    `expected ${String(type)}, as in the rows before, found ${describeValue(value)}; name the column's type under types: {${name.split('.')[0]}: json}, or set infer_rows: all`,
  );
}

function struct(value: object, type: Struct, place: Place, conversion: Conversion): Record<string, unknown> {
  const known = new Set(type.children.map((child) => String(child.name)));
  const unknown = Object.keys(value).find((key) => !known.has(key));
  if (unknown !== undefined)
    throw new DataError(
      place,
      `has the key "${unknown}", which the rows before do not have; name the column's type under types: {${place.column}: json}, or set infer_rows: all`,
    );
  const fields = Object.entries(value);
  return Object.fromEntries(
    type.children.map((child) => {
      const inner = fields.find(([name]) => name === child.name)?.[1] as unknown;
      return [
        child.name,
        convert(inner, child, { ...place, column: `${place.column}.${String(child.name)}` }, conversion),
      ];
    }),
  );
}

function integer(value: number, place: Place): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value);
  throw new DataError(
    place,
    `the whole number ${value} is beyond 2^53 and may have lost digits; write it as text, or accept that under types: {${place.column}: float}`,
  );
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
