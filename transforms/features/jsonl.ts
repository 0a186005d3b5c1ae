import type { Data } from 'apache-arrow';
import { DataError } from '../../pipeline/errors.js';
import { neuronTypes } from '../backbone/types.js';
import { featureColumn, featureData, featureField } from '../columns.js';
import { type ColumnMaker, own, type ParsedRow } from '../jsonl/convert.js';
import { indicesKey, type Layout, layoutOf, noFeatures, putIndices, type Said } from './layout.js';

/**
 * Makers of the feature columns that the first rows of files have, by name. A file of JSON lines says nothing of how
 * its features were made, and a row without one of the columns is an error.
 */
export function featureMakers(firstRows: readonly ParsedRow[], said: Said): Map<string, ColumnMaker> {
  const makers = neuronTypes.flatMap((type): [string, ColumnMaker][] => {
    const name = featureColumn(type);
    const first = firstRows.find(({ value }) => Object.hasOwn(value, name));
    if (!first) return [];
    const place = { ...first.place, column: name };
    const layout = layoutOf(type, indicesOf(first, name).length, place, said);
    return [[name, makerOf(name, layout)]];
  });
  if (makers.length > 0) return new Map(makers);
  const [first] = firstRows;
  throw new DataError(
    first?.place ?? {},
    `has no features: expected "${featureColumn('fwd_up')}" or another type's; its keys: ${Object.keys(first?.value ?? {}).join(', ')}`,
  );
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
