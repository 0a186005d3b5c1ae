import type { DataType } from 'apache-arrow';
import { z } from 'zod';
import type { Comparable } from './comparable.js';
import { boundValue, literalValue } from './literal.js';

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

/** Whether a value of the column, as `comparableReader` gives it, meets the condition. */
export type Test = (value: Comparable) => boolean;

/**
 * Compiles a condition on a column of a type. Throws a `RangeError` with the reason where no value could ever meet
 * it, because a literal is none of the type.
 */
export function compileCondition(given: Condition, type: DataType): Test {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) return equalsOneOf(given, type);
  const { min, max, not } = given;
  const tests: Test[] = [];
  if (not !== undefined) {
    const equal = equalsOneOf(not, type);
    tests.push((value) => !equal(value));
  }
  if (min !== undefined) tests.push(atLeast(boundValue(min, 'min', type)));
  if (max !== undefined) tests.push(atMost(boundValue(max, 'max', type)));
  return (value) => tests.every((test) => test(value));
}

function equalsOneOf(given: Scalar | readonly Scalar[], type: DataType): Test {
  const list = [given].flat() as readonly Scalar[];
  const values = new Set(list.map((one) => (one === null ? null : literalValue(one, type))));
  return (value) => values.has(value);
}

/** Null and NaN lie between no bounds. */
function atLeast(bound: string | number | bigint): Test {
  if (typeof bound === 'string') return (value) => typeof value === 'string' && !before(value, bound);
  return (value) => isNumber(value) && value >= bound;
}

function atMost(bound: string | number | bigint): Test {
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
