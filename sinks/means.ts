import { DataType } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, namedColumn } from '../pipeline/batch.js';
import { schemaNote } from '../pipeline/columns-note.js';
import { NagError } from '../pipeline/errors.js';
import { table } from '../pipeline/table.js';

/** A mean that is asked for: of a column, or of its difference to another; weighted by a third. */
export const meanOptions = z.union([
  z.string(),
  z.strictObject({
    column: z.string(),
    minus: z.string().optional(),
    weight: z.string().optional(),
    exp: z.boolean().default(false),
    title: z.string().optional(),
  }),
]);

type MeanOption = z.output<typeof meanOptions>;

/** The columns that means need. */
export function meanColumns(means: readonly MeanOption[]): string[] {
  return means.flatMap((mean) => {
    const { name, minus, weight } = normal(mean);
    return [name, minus, weight].filter((column) => column !== undefined);
  });
}

/** Weighted sums of a column's values, counted from the first of them so that no digits are lost. */
interface Sums {
  readonly origin: number;
  values: number;
  weight: number;
  first: number;
  squaredWeight: number;
  squaredFirst: number;
  squaredSecond: number;
}

/** Sums of each group, one for each mean, and how many rows it has. */
export interface Means {
  readonly groups: Map<string, { rows: number; readonly sums: (Sums | undefined)[] }>;
}

const everything = 'all';

export function createMeans(): Means {
  return { groups: new Map() };
}

/** Adds a batch's rows. Missing values and those that are not a number do not count. */
export function addMeans(into: Means, batch: Batch, means: readonly MeanOption[], by?: string): void {
  const keys = by === undefined ? undefined : column(batch, by);
  const readers = means.map((mean) => {
    const { name, minus, weight } = normal(mean);
    const constant = (value: number) => () => value;
    return {
      value: numbers(batch, name),
      minus: minus === undefined ? constant(0) : numbers(batch, minus),
      weight: weight === undefined ? constant(1) : numbers(batch, weight),
    };
  });
  for (let row = 0; row < batch.rows.length; row++) {
    const key = keys ? String(keys.get(row) ?? '-') : everything;
    const group = into.groups.get(key) ?? { rows: 0, sums: [] };
    into.groups.set(key, group);
    group.rows++;
    for (const [i, read] of readers.entries())
      group.sums[i] = plus(group.sums[i], read.value(row) - read.minus(row), read.weight(row));
  }
}

/** The means, one line a group in the order in which they came, and one for all rows. */
export function meansTable({ groups }: Means, means: readonly MeanOption[], by?: string): string {
  const options = means.map(normal);
  const line = (name: string, rows: number, sums: readonly (Sums | undefined)[]) => [
    name,
    String(rows),
    ...options.map(({ exp }, i) => cellOf(sums[i], exp)),
  ];
  const lines = [...groups].map(([name, { rows, sums }]) => line(name, rows, sums));
  if (by !== undefined && groups.size > 1) {
    const all = [...groups.values()];
    const sums = options.map((_, i) => all.map((group) => group.sums[i]).reduce(merge));
    lines.push(
      line(
        everything,
        all.reduce((sum, { rows }) => sum + rows, 0),
        sums,
      ),
    );
  }
  return table([by ?? '', 'rows', ...options.map(({ title }) => title)], lines);
}

function normal(mean: MeanOption) {
  const { column: name, exp, ...more } = typeof mean === 'string' ? { column: mean, exp: false } : mean;
  const { minus, weight, title } = { minus: undefined, weight: undefined, title: undefined, ...more };
  const what = minus === undefined ? name : `${name} - ${minus}`;
  return { name, minus, weight, exp, title: title ?? `${exp ? 'exp ' : ''}mean ${what}` };
}

function plus(sums: Sums | undefined, value: number, weight: number): Sums | undefined {
  if (Number.isNaN(value) || !(weight > 0)) return sums;
  const into = sums ?? emptySums(value);
  const x = value - into.origin;
  into.values++;
  into.weight += weight;
  into.first += weight * x;
  into.squaredWeight += weight ** 2;
  into.squaredFirst += weight ** 2 * x;
  into.squaredSecond += weight ** 2 * x ** 2;
  return into;
}

function emptySums(origin: number): Sums {
  return { origin, values: 0, weight: 0, first: 0, squaredWeight: 0, squaredFirst: 0, squaredSecond: 0 };
}

/** Both sums counted from the origin of the first. */
function merge(a: Sums | undefined, b: Sums | undefined): Sums | undefined {
  if (!a || !b) return a ?? b;
  const shift = b.origin - a.origin;
  return {
    origin: a.origin,
    values: a.values + b.values,
    weight: a.weight + b.weight,
    first: a.first + b.first + shift * b.weight,
    squaredWeight: a.squaredWeight + b.squaredWeight,
    squaredFirst: a.squaredFirst + b.squaredFirst + shift * b.squaredWeight,
    squaredSecond:
      a.squaredSecond + b.squaredSecond + 2 * shift * b.squaredFirst + shift ** 2 * b.squaredWeight,
  };
}

/**
 * The mean `m = Σ w·x / Σ w` and its standard error `√(n/(n − 1) · Σ w²(x − m)²) / Σ w`: with equal weights the sample's
 * standard deviation over √n, otherwise that of a ratio of two sums.
 */
function meanOf(sums: Sums): { mean: number; error: number } {
  const m = sums.first / sums.weight;
  const squares = sums.squaredSecond - 2 * m * sums.squaredFirst + m ** 2 * sums.squaredWeight;
  const variance = (sums.values / (sums.values - 1)) * Math.max(0, squares);
  return { mean: sums.origin + m, error: Math.sqrt(variance) / sums.weight };
}

/** `4.0312 ± 0.0210`; the error of `exp m` is `exp m` times that of m. */
function cellOf(sums: Sums | undefined, exp: boolean): string {
  if (!sums) return '-';
  const { mean, error } = meanOf(sums);
  const factor = exp ? Math.exp(mean) : 1;
  const shown = exp ? factor : mean;
  const digits = exp ? 1 : 4;
  return sums.values < 2
    ? shown.toFixed(digits)
    : `${shown.toFixed(digits)} ± ${(factor * error).toFixed(digits)}`;
}

function numbers(batch: Batch, name: string): (row: number) => number {
  const vector = column(batch, name);
  const { type } = vector;
  const hasNumbers = DataType.isInt(type) || DataType.isFloat(type) || DataType.isBool(type);
  if (!hasNumbers && !DataType.isNull(type))
    throw new NagError(`show: mean: column "${name}" has no numbers but ${String(type)}`);
  return (row) => {
    const value: unknown = vector.get(row);
    return value === null || value === undefined ? Number.NaN : Number(value);
  };
}

function column(batch: Batch, name: string) {
  const found = namedColumn(batch, name);
  if (found) return found;
  throw new NagError(`show: there is no column "${name}"${schemaNote(batch.columns.schema)}`);
}
