import { isText, textReader } from '../../pipeline/arrow/text.js';
import { type Batch, namedColumn } from '../../pipeline/batch.js';
import { DataError, NagError } from '../../pipeline/errors.js';
import { compareBytes, docidBytes } from '../nag/docid.js';

/** A column with a value a document would make as many profiles. */
const mostTargets = 1000;

/** Which rows of a batch belong to each value of a column. Rows whose value is null belong to none. */
export function rowsByValue(
  batch: Batch,
  column: string,
): { groups: ReadonlyMap<string, number[]>; without: number } {
  const vector = namedColumn(batch, column);
  if (!vector || !isText(vector.type)) {
    const found = vector
      ? `it holds ${String(vector.type)}`
      : 'found none of this name, neither in the file nor made by the stages before';
    throw new DataError({ file: batch.bundle.file }, `by: expected a column "${column}" of text, ${found}`);
  }
  const read = textReader(vector);
  const groups = new Map<string, number[]>();
  let without = 0;
  for (let row = 0; row < batch.rows.length; row++) {
    const value = read(row);
    if (value === null) without++;
    else if (groups.has(value)) groups.get(value)!.push(row);
    else groups.set(value, [row]);
  }
  return { groups, without };
}

/** @throws NagError where a column has so many values that it hardly names targets */
export function requireFewTargets(targets: number, column: string): void {
  if (targets > mostTargets)
    throw new NagError(
      `the column "${column}" has more than ${mostTargets} values, each of which would be a target: name those that you want with targets: […]`,
    );
}

/** Values in the order of their code points, which no split or order of the input changes. */
export function byCodePoint(values: Iterable<string>): string[] {
  return [...values].sort((a, b) => compareBytes(docidBytes(a), docidBytes(b)));
}
