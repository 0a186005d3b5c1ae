import { DataType, type RecordBatch, type Schema } from 'apache-arrow';
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
    for (const one of values) checkType(column, one, typeOf(schema, column)!, file);
    return { column, values: new Set<unknown>(values) };
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

function checkType(column: string, value: Scalar, type: DataType, file: string): void {
  if (value === null || fits(value, type)) return;
  throw new DataError(
    { file, column },
    `where: the column is ${String(type)} and can never equal ${JSON.stringify(value)} (${typeof value}); write the value as the column's type`,
  );
}

function fits(value: string | number | boolean, type: DataType): boolean {
  if (DataType.isDictionary(type)) return fits(value, type.dictionary);
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return typeof value === 'string';
  if (DataType.isBool(type)) return typeof value === 'boolean';
  if (DataType.isInt(type)) return typeof value === 'number' && Number.isSafeInteger(value);
  return DataType.isFloat(type) && typeof value === 'number';
}
