import type { Data } from 'apache-arrow';
import { featureColumn, featureData, featureField } from '../columns.js';
import { type ColumnMaker, own, type ParsedRow } from '../jsonl/convert.js';
import {
  indicesKey,
  type Layout,
  layoutOf,
  noFeatures,
  putIndices,
  requireLength,
  type Said,
  wantedTypes,
} from './layout.js';

/**
 * Makers of the feature columns of files, by name. JSON lines say nothing of how features were made.
 * @param firstRows of each file; they must be alike, as all other rows must
 */
export function featureMakers(firstRows: readonly ParsedRow[], said: Said): Map<string, ColumnMaker> {
  const columns = [...new Set(firstRows.flatMap(({ value }) => Object.keys(value)))];
  const makers = wantedTypes(columns, firstRows[0]!.place, said).map((type): [string, ColumnMaker] => {
    const name = featureColumn(type);
    const place = (row: ParsedRow) => ({ ...row.place, column: name });
    const [first, ...others] = firstRows;
    const layout = layoutOf(type, indicesOf(first!, name).length, place(first!), said);
    for (const row of others) requireLength(indicesOf(row, name).length, layout, () => place(row));
    return [name, makerOf(name, layout)];
  });
  return new Map(makers);
}

function makerOf(name: string, layout: Layout): ColumnMaker {
  const { info } = layout;
  const make = (rows: readonly ParsedRow[]): Data => {
    const values = new Int32Array(rows.length * info.layers * info.k);
    for (const [i, row] of rows.entries())
      putIndices(values, i, indicesOf(row, name), layout, () => ({ ...row.place, column: name }));
    return featureData(values, rows.length, info);
  };
  return { field: featureField(info), make };
}

function indicesOf({ value, place }: ParsedRow, name: string): readonly unknown[] {
  const cell = own(value, name);
  if (Array.isArray(cell)) return cell;
  if (cell !== null && typeof cell === 'object' && indicesKey in cell) {
    const list: unknown = cell[indicesKey];
    if (Array.isArray(list)) return list;
  }
  throw noFeatures({ ...place, column: name }, cell);
}
