import { type Data, DataType, DateDay, Field, Int64, Utf8, vectorFromArray } from 'apache-arrow';
import { nullData } from '../../pipeline/arrow/null-data.js';
import { momentOf } from './literal-text.js';

/** What the folders of a file's path say: `lang=en/day=2024-01-02`, by column. */
export type Partition = ReadonlyMap<string, string | null>;

/** How writers of the Hive layout name the folder of nulls. */
const nullName = '__HIVE_DEFAULT_PARTITION__';

/** The folders `column=value` of a path, percent-encoding undone. */
export function partitionOf(path: string): Partition {
  const folders = path.split(/[/\\]/).slice(0, -1);
  return new Map(
    folders.flatMap((folder) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(folder) ?? [];
      return name === undefined ? [] : [[decoded(name), value === nullName ? null : decoded(value!)]];
    }),
  );
}

/** A percent sign that begins no encoding is one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The columns of all partitions, in the order of the folders: integers where each value is one of 64 bits, dates where
 * each is one, as DuckDB types them; otherwise text. What some files lack is null there.
 */
export function partitionFields(partitions: readonly Partition[]): Field[] {
  const values = new Map<string, Set<string>>();
  for (const partition of partitions)
    for (const [name, value] of partition) {
      const known = values.get(name) ?? new Set();
      values.set(name, value === null ? known : known.add(value));
    }
  return [...values].map(([name, texts]) => new Field(name, typeOf([...texts]), true));
}

function typeOf(texts: readonly string[]): Int64 | DateDay | Utf8 {
  if (texts.length === 0) return new Utf8();
  if (texts.every(isInteger)) return new Int64();
  return texts.every(isDate) ? new DateDay() : new Utf8();
}

/** As it would be printed: 01 is a text, which an integer would change. */
function isInteger(text: string): boolean {
  return /^(0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && momentOf(text) !== undefined;
}

/** Values of a partition column. */
export function partitionValues({ type }: Field, values: readonly (string | null | undefined)[]): Data {
  if (values.every((value) => value === null || value === undefined)) return nullData(type, values.length);
  return vectorFromArray(
    values.map((value) => cellOf(type, value)),
    type,
  ).data[0]!;
}

function cellOf(type: DataType, value: string | null | undefined): unknown {
  if (value === null || value === undefined) return null;
  return DataType.isInt(type) ? BigInt(value) : DataType.isDate(type) ? new Date(value) : value;
}

/** A partition's value of a column for so many rows. */
export function partitionColumn(field: Field, value: string | null | undefined, rows: number): Data {
  return partitionValues(field, Array(rows).fill(value));
}
