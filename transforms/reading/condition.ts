import { DataType, Precision } from 'apache-arrow';
import { z } from 'zod';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const scalars = z.union([scalar, z.array(scalar).min(1)]);
const bound = z.union([z.string(), z.number()]);

/** What `where` asks of a column: a value, one of several, not one of them, or to lie between bounds. */
export const condition = z
  .union([
    scalars,
    z
      .strictObject({ min: bound.optional(), max: bound.optional(), not: scalars.optional() })
      .refine((given) => Object.values(given).some((value) => value !== undefined), {
        message: 'expected a value, a list of values, or a mapping with min, max or not',
      }),
  ])
  .meta({ title: 'value | [value] | {min, max, not}' });

export type Scalar = z.output<typeof scalar>;
export type Condition = z.output<typeof condition>;

/** Whether a value of the column, as Arrow gives it, meets the condition. */
export type Test = (value: unknown) => boolean;

/**
 * Compiles a condition on a column of a type. Throws a `RangeError` with the reason where no value could ever meet
 * it, because the types differ.
 */
export function compileCondition(given: Condition, type: DataType): Test {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) return equalsOneOf(given, type);
  const { min, max, not } = given;
  const tests: Test[] = [];
  if (not !== undefined) {
    const equal = equalsOneOf(not, type);
    tests.push((value) => !equal(value));
  }
  if (min !== undefined) tests.push(atLeast(min, type));
  if (max !== undefined) tests.push(atMost(max, type));
  return (value) => tests.every((test) => test(value));
}

function equalsOneOf(given: Scalar | readonly Scalar[], type: DataType): Test {
  const list = [given].flat() as readonly Scalar[];
  for (const one of list) requireEqual(one, type);
  const values = new Set<unknown>(list.map((one) => asStored(one, type)));
  // 64-bit integers come as bigint: equal to a number of the configuration where that is exact.
  return (value) => values.has(typeof value === 'bigint' ? Number(value) : (value ?? null));
}

/** Null and NaN lie between no bounds. */
function atLeast(min: string | number, type: DataType): Test {
  requireOrdered(min, type);
  const bound = asStored(min, type);
  if (typeof bound === 'string') return (value) => typeof value === 'string' && !before(value, bound);
  return (value) => isNumber(value) && value >= bound;
}

function atMost(max: string | number, type: DataType): Test {
  requireOrdered(max, type);
  const bound = asStored(max, type);
  if (typeof bound === 'string') return (value) => typeof value === 'string' && !before(bound, value);
  return (value) => isNumber(value) && value <= bound;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** By code point, as everywhere. */
function before(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

/** A number as its column holds it: 0.1 has other digits in 32 bits. */
function asStored<T extends Scalar>(value: T, type: DataType): T | number {
  return typeof value === 'number' && DataType.isFloat(type) && type.precision === Precision.SINGLE
    ? Math.fround(value)
    : value;
}

function requireEqual(value: Scalar, type: DataType): void {
  if (value === null || fits(value, type)) return;
  requireComparable(type);
  throw new RangeError(
    `the column is ${String(type)} and can never equal ${JSON.stringify(value)} (${typeof value}); write the value as the column's type`,
  );
}

function requireOrdered(value: string | number, type: DataType): void {
  requireComparable(type);
  const whole = DataType.isInt(DataType.isDictionary(type) ? type.dictionary : type);
  if (whole && typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return;
  if (fits(value, type)) return;
  throw new RangeError(
    `the column is ${String(type)} and cannot be compared with the bound ${JSON.stringify(value)} (${typeof value}); write the bound as the column's type`,
  );
}

function requireComparable(type: DataType): void {
  if (['a', 0, true].some((example) => fits(example, type))) return;
  throw new RangeError(
    `the column is ${String(type)}; only text, numbers and true or false can be compared (or null)`,
  );
}

function fits(value: string | number | boolean, type: DataType): boolean {
  if (DataType.isDictionary(type)) return fits(value, type.dictionary);
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return typeof value === 'string';
  if (DataType.isBool(type)) return typeof value === 'boolean';
  if (DataType.isInt(type)) return typeof value === 'number' && Number.isSafeInteger(value);
  return DataType.isFloat(type) && typeof value === 'number';
}
