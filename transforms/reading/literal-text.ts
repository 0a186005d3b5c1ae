/** An exact number: `value / over`, `over` above 0. */
export interface Fraction {
  readonly value: bigint;
  readonly over: bigint;
}

/** Nanoseconds since 1970: a date, a time of no zone, or one of a zone. */
export interface Moment {
  readonly kind: 'date' | 'local' | 'zoned';
  readonly nanos: bigint;
}

const number = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
const dateTime =
  /^([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/;
const time = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/;

const second = 1_000_000_000n;

/** The number that a text, or the shortest text of a double, says; undefined for others, and for rounded integers. */
export function fractionOf(given: string | number): Fraction | undefined {
  if (typeof given === 'number' && Number.isInteger(given) && !Number.isSafeInteger(given)) return undefined;
  const [, sign, whole, decimals = '', exponent = '0'] = number.exec(String(given)) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + decimals) * (sign === '-' ? -1n : 1n);
  const shift = Number(exponent) - decimals.length;
  return shift >= 0
    ? { value: digits * 10n ** BigInt(shift), over: 1n }
    : { value: digits, over: 10n ** BigInt(-shift) };
}

/** A date or time of ISO 8601; undefined where it is none, or not in the calendar. */
export function momentOf(text: string): Moment | undefined {
  const [, year, month, day, clock, zone] = dateTime.exec(text) ?? [];
  if (year === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  const midnight = BigInt(date.getTime()) * 1_000_000n;
  if (clock === undefined) return { kind: 'date', nanos: midnight };
  const nanos = timeOfDay(clock);
  if (nanos === undefined) return undefined;
  if (zone === undefined) return { kind: 'local', nanos: midnight + nanos };
  return { kind: 'zoned', nanos: midnight + nanos - offsetOf(zone) };
}

/** Nanoseconds since midnight of `12:30`, `12:30:00` or `12:30:00.25`. */
export function timeOfDay(text: string): bigint | undefined {
  const [, hours, minutes, seconds = '0', fraction = ''] = time.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59)
    return undefined;
  const whole = (BigInt(hours) * 60n + BigInt(minutes!)) * 60n + BigInt(seconds);
  return whole * second + BigInt(fraction.padEnd(9, '0'));
}

function offsetOf(zone: string): bigint {
  if (zone === 'Z') return 0n;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone)!;
  const offset = (BigInt(hours!) * 60n + BigInt(minutes!)) * 60n * second;
  return sign === '-' ? -offset : offset;
}
