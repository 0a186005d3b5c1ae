import type { RecordBatch, Schema } from 'apache-arrow';
import { z } from 'zod';
import { columnMeant, findColumn, type Roles } from '../../pipeline/batch.js';
import { DataError } from '../../pipeline/errors.js';
import { comparableReader } from './comparable.js';
import { type Condition, compileCondition, condition, type Test } from './condition.js';
import { requireColumn, typeOf } from './roles.js';

/** The option `where`: conditions on columns, all of which must be met. */
export const whereOption = z
  .record(z.string(), condition)
  .describe(
    'Keep only rows whose columns equal these values (a list: one of them), lie between min and max (included; text by code point), or differ from not (a value or a list). Null is a value, and lies in no range. Dates and times are ISO 8601 text; integers past 2^53 are written in quotes',
  );

/** A filter of rows; `columns` must be read for it. */
export interface RowFilter {
  readonly columns: readonly string[];
  /** Positions of the rows that stay. */
  select(columns: RecordBatch): Uint32Array;
}

/**
 * Compiles `where`, whose columns may be named by their roles. Throws where a column is missing, or a condition can never be
 * met because its type differs.
 */
export function compileWhere(
  where: Readonly<Record<string, Condition>>,
  schema: Schema,
  file: string,
  roles: Roles = {},
): RowFilter | undefined {
  const conditions = Object.entries(where).map(([name, given]) => {
    const played = columnMeant(schema, roles, name);
    const column = typeOf(schema, played) === undefined ? name : played;
    return { column, test: compileColumn(column, given, schema, file) };
  });
  if (conditions.length === 0) return undefined;
  return {
    columns: conditions.map(({ column }) => column),
    select: (columns) => {
      const tests = conditions.map(({ column, test }) => ({
        read: comparableReader(findColumn(columns, column)),
        test,
      }));
      const rows = new Uint32Array(columns.numRows);
      let kept = 0;
      for (let row = 0; row < columns.numRows; row++) {
        if (tests.every(({ read, test }) => test(read(row)))) rows[kept++] = row;
      }
      return rows.subarray(0, kept);
    },
  };
}

function compileColumn(column: string, given: Condition, schema: Schema, file: string): Test {
  requireColumn(schema, column, file);
  refuseJson(schema, column, file);
  try {
    return compileCondition(given, typeOf(schema, column)!);
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new DataError({ file, column }, `where: ${cause.message}`, { cause });
    throw cause;
  }
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
