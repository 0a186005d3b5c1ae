import { DataType, Precision, type RecordBatch, type Schema } from 'apache-arrow';
import { findColumn } from '../../pipeline/batch.js';
import { DataError } from '../../pipeline/errors.js';
import type { ReadingOptions, Scalar } from './options.js';
import { requireColumn, typeOf } from './roles.js';

/** A filter by equality; `columns` must be read for it. */
export interface RowFilter {
  readonly columns: readonly string[];
  /** Positions of the rows that stay. */
  select(columns: RecordBatch): Uint32Array;
}

/** Compiles `where`. Throws where a column is missing, or a value can never equal it because its type differs. */
export function compileWhere(
  where: ReadingOptions['where'],
  schema: Schema,
  file: string,
): RowFilter | undefined {
  const conditions = Object.entries(where).map(([column, value]) => {
    requireColumn(schema, column, file);
    const values = [value].flat() as readonly Scalar[];
    const type = typeOf(schema, column)!;
    refuseJson(schema, column, file);
    for (const one of values) checkType(column, one, type, file);
    return { column, values: new Set<unknown>(values.map((one) => asStored(one, type))) };
  });
  if (conditions.length === 0) return undefined;
  return {
    columns: conditions.map(({ column }) => column),
    select: (columns) => {
      const tests = conditions.map(({ column, values }) => ({ vector: findColumn(columns, column), values }));
      const rows = new Uint32Array(columns.numRows);
      let kept = 0;
      for (let row = 0; row < columns.numRows; row++) {
        if (tests.every(({ vector, values }) => values.has(comparable(vector?.get(row))))) rows[kept++] = row;
      }
      return rows.subarray(0, kept);
    },
  };
}

/** 64-bit integers come as bigint: equal to a number of the configuration where that is exact. */
function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value ?? null;
}

/** A number as its column holds it: 0.1 has other digits in 32 bits. */
function asStored(value: Scalar, type: DataType): Scalar {
  return typeof value === 'number' && DataType.isFloat(type) && type.precision === Precision.SINGLE
    ? Math.fround(value)
    : value;
}

function refuseJson(schema: Schema, column: string, file: string): void {
  const mixed = schema.fields.some(
    (field) => field.name === column && field.metadata.get('nag.json') === 'true',
  );
  if (!mixed) return;
  throw new DataError(
    { file, column },
    `where: the column holds values of several types, as JSON text, and cannot be compared; name its type under types: {${column}: …}`,
  );
}

function checkType(column: string, value: Scalar, type: DataType, file: string): void {
  if (value === null || fits(value, type)) return;
  if (!isComparable(type))
    throw new DataError(
      { file, column },
      `where: the column is ${String(type)}; only text, numbers and true or false can be compared (or null)`,
    );
  throw new DataError(
    { file, column },
    `where: the column is ${String(type)} and can never equal ${JSON.stringify(value)} (${typeof value}); write the value as the column's type`,
  );
}

function isComparable(type: DataType): boolean {
  return ['a', 0, true].some((example) => fits(example, type));
}

function fits(value: string | number | boolean, type: DataType): boolean {
  if (DataType.isDictionary(type)) return fits(value, type.dictionary);
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return typeof value === 'string';
  if (DataType.isBool(type)) return typeof value === 'boolean';
  if (DataType.isInt(type)) return typeof value === 'number' && Number.isSafeInteger(value);
  return DataType.isFloat(type) && typeof value === 'number';
}
