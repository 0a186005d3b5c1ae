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
 * @param tolerant says nothing of those that are not like the first: they are told when they are read
 */
export function featureMakers(
  firstRows: readonly ParsedRow[],
  said: Said,
  tolerant: boolean,
): Map<string, ColumnMaker> {
  const columns = [...new Set(firstRows.flatMap(({ value }) => Object.keys(value)))];
  const makers = wantedTypes(columns, firstRows[0]!.place, said).map((type): [string, ColumnMaker] => {
    const name = featureColumn(type);
    const place = (row: ParsedRow) => ({ ...row.place, column: name });
    const usable = tolerant ? firstRows.filter((row) => hasIndices(row, name)) : firstRows;
    const [first = firstRows[0], ...others] = usable;
    const layout = layoutOf(type, indicesOf(first!, name).length, place(first!), said);
    if (!tolerant)
      for (const row of others) requireLength(indicesOf(row, name).length, layout, () => place(row));
    return [name, makerOf(name, layout)];
  });
  return new Map(makers);
}

function makerOf(name: string, layout: Layout): ColumnMaker {
  const { info } = layout;
  const length = info.layers * info.k;
  const cell = (row: ParsedRow): Int32Array => {
    const values = new Int32Array(length);
    putIndices(values, 0, indicesOf(row, name), layout, () => ({ ...row.place, column: name }));
    return values;
  };
  const make = (cells: readonly unknown[]): Data => {
    const values = new Int32Array(cells.length * length);
    for (const [i, own] of cells.entries()) if (own instanceof Int32Array) values.set(own, i * length);
    return featureData(values, cells.length, info);
  };
  return { field: featureField(info), cell, make };
}

export function hasIndices(row: ParsedRow, name: string): boolean {
  try {
    return indicesOf(row, name).length > 0;
  } catch {
    return false;
  }
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
