import { DataType, DateUnit, type Float, Precision, type TimeUnit } from 'apache-arrow';
import { isText } from '../../pipeline/arrow/text.js';
import { type Comparable, isExact } from './comparable.js';
import { type Fraction, fractionOf, momentOf, timeOfDay } from './literal-text.js';

export type Literal = string | number | boolean;

/**
 * What a literal of a configuration is as a value of a column: text as it is written, true and false; numbers, in quotes
 * where they are integers past 2^53 or have more digits than a double; dates and times as ISO 8601 text.
 * Errors: RangeError with the reason where no value of the type can equal it.
 */
export function literalValue(given: Literal, type: DataType): Comparable {
  if (DataType.isDictionary(type)) return literalValue(given, type.dictionary);
  if (isText(type) || DataType.isUtf8View(type))
    return typeof given === 'string' ? given : never(given, type);
  if (DataType.isBool(type)) return typeof given === 'boolean' ? given : never(given, type);
  if (DataType.isFloat(type)) {
    const value = asFloat(numberOf(given) ?? never(given, type), type);
    return Number.isFinite(value) ? value : never(given, type);
  }
  const { value, over } = wholeOf(given, type) ?? never(given, type);
  const whole = value / over;
  if (whole * over !== value || !isWithin(whole, type)) return never(given, type);
  return isExact(type) ? whole : Number(whole);
}

/**
 * The least (`min`) or greatest (`max`) value of the column's type within a bound.
 * Errors: RangeError where the type has no order, or the bound is none of it.
 */
export function boundValue(
  given: string | number,
  side: 'min' | 'max',
  type: DataType,
): string | number | bigint {
  if (DataType.isDictionary(type)) return boundValue(given, side, type.dictionary);
  if (isText(type) || DataType.isUtf8View(type))
    return typeof given === 'string' ? given : noBound(given, type);
  if (DataType.isFloat(type)) {
    const exact = numberOf(given) ?? noBound(given, type);
    const value = asFloat(exact, type);
    return Number.isFinite(value) ? value : exact;
  }
  const { value, over } = wholeOf(given, type) ?? noBound(given, type);
  const floor = value / over - (value % over !== 0n && value < 0n ? 1n : 0n);
  const bound = side === 'min' && floor * over !== value ? floor + 1n : floor;
  return isExact(type) ? bound : Number(bound);
}

/** A literal in the units of a column, which need not be a whole number of them; undefined where it is none of the type. */
function wholeOf(given: Literal, type: DataType): Fraction | undefined {
  if (typeof given === 'boolean') return undefined;
  if (DataType.isInt(type)) return fractionOf(given);
  if (DataType.isDecimal(type)) {
    const found = fractionOf(given);
    return found && { value: found.value * 10n ** BigInt(type.scale), over: found.over };
  }
  if (typeof given !== 'string') return undefined;
  if (DataType.isTime(type)) return inUnits(timeOfDay(given), type.unit);
  const moment = momentOf(given);
  if (!moment) return undefined;
  if (DataType.isDate(type)) {
    const perSecond = type.unit === DateUnit.DAY ? 1n : 86_400_000n;
    return moment.kind === 'date'
      ? { value: moment.nanos * perSecond, over: 86_400_000_000_000n }
      : undefined;
  }
  if (!DataType.isTimestamp(type)) return undefined;
  // A wall clock is no moment of a zone; a moment without a zone is one of UTC.
  return moment.kind === 'zoned' && !type.timezone ? undefined : inUnits(moment.nanos, type.unit);
}

function inUnits(nanos: bigint | undefined, unit: TimeUnit): Fraction | undefined {
  return nanos === undefined ? undefined : { value: nanos, over: 10n ** BigInt(9 - 3 * unit) };
}

function isWithin(value: bigint, type: DataType): boolean {
  if (DataType.isInt(type))
    return (type.isSigned ? BigInt.asIntN : BigInt.asUintN)(type.bitWidth, value) === value;
  if (DataType.isDecimal(type)) return (value < 0n ? -value : value) < 10n ** BigInt(type.precision);
  return true;
}

function numberOf(given: Literal): number | undefined {
  if (typeof given === 'number') return given;
  return typeof given === 'string' && fractionOf(given) ? Number(given) : undefined;
}

/** A number as its column holds it: 0.1 has other digits in 32 and 16 bits. */
function asFloat(value: number, { precision }: Float): number {
  if (precision === Precision.SINGLE) return Math.fround(value);
  return precision === Precision.HALF ? toHalf(value) : value;
}

/** The nearest value of 16 bits (IEEE 754 binary16), ties to even. */
function toHalf(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 10);
  const steps = value / step;
  const floor = Math.floor(steps);
  const rest = steps - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return Math.abs(rounded * step) > 65504 ? Math.sign(value) * Number.POSITIVE_INFINITY : rounded * step;
}

function never(given: Literal, type: DataType): never {
  throw new RangeError(
    `the column is ${String(type)} and can never equal ${shown(given)}; ${formOf(type, given)}`,
  );
}

function noBound(given: Literal, type: DataType): never {
  throw new RangeError(
    `the column is ${String(type)} and cannot be compared with the bound ${shown(given)}; ${formOf(type, given)}`,
  );
}

function shown(given: Literal): string {
  return `${JSON.stringify(given)} (${typeof given})`;
}

/** How values of a type are written. */
function formOf(type: DataType, given: Literal): string {
  if (
    typeof given === 'number' &&
    !Number.isSafeInteger(given) &&
    Number.isInteger(given) &&
    !DataType.isFloat(type)
  )
    return 'integers past 2^53 are rounded in YAML: write the digits in quotes, as "9007199254740993"';
  if (isText(type)) return 'write text, in quotes where it looks like a number';
  if (DataType.isBool(type)) return 'write true or false';
  if (DataType.isInt(type)) return 'write an integer that the type holds';
  if (DataType.isDecimal(type)) return 'write a number of no more digits than the type holds';
  if (DataType.isFloat(type)) return 'write a number that the type holds';
  if (DataType.isDate(type)) return 'write a date, as 2024-05-31';
  if (DataType.isTime(type)) return 'write a time of day, as 12:30:00';
  if (DataType.isTimestamp(type))
    return type.timezone
      ? 'write a date or a moment, as 2024-05-31 or 2024-05-31T12:30:00Z, no finer than the type'
      : 'write a date or a time without a zone, as 2024-05-31 or 2024-05-31T12:30:00, no finer than the type';
  return 'only text, numbers, dates, times and true or false can be compared (or null)';
}
