import { type Timestamp, TimeUnit } from 'apache-arrow';

/** Units in a second, and the digits of a fraction of a second, by time unit. */
const units = {
  [TimeUnit.SECOND]: { perSecond: 1n, digits: 0 },
  [TimeUnit.MILLISECOND]: { perSecond: 1_000n, digits: 3 },
  [TimeUnit.MICROSECOND]: { perSecond: 1_000_000n, digits: 6 },
  [TimeUnit.NANOSECOND]: { perSecond: 1_000_000_000n, digits: 9 },
} as const;

/**
 * A timestamp as ISO 8601 in JSON, with all digits of its unit, and a Z where the column has a time zone. One that no
 * calendar date can be given for (beyond the year 275760) is its number.
 */
export function timestampText(value: bigint, { unit, timezone }: Timestamp): string {
  const { perSecond, digits } = units[unit];
  const fraction = ((value % perSecond) + perSecond) % perSecond;
  const date = new Date(Number((value - fraction) / perSecond) * 1000);
  if (Number.isNaN(date.getTime())) return String(value);
  const decimals = digits === 0 ? '' : `.${String(fraction).padStart(digits, '0')}`;
  return `"${date.toISOString().slice(0, -'.000Z'.length)}${decimals}${timezone ? 'Z' : ''}"`;
}

/** A date as ISO 8601 in JSON. @param ms since 1970; beyond the calendar its number */
export function dateText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : `"${date.toISOString().replace(/T.*/, '')}"`;
}

/**
 * A decimal with all its digits as a JSON number.
 * @param words its unscaled value, 32 bits a word, lowest first, in two's complement
 */
export function decimalText(words: Uint32Array, scale: number): string {
  const unsigned = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  const value = BigInt.asIntN(32 * words.length, unsigned);
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The usual text of a UUID in JSON. @param bytes 16 */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `"${[0, 8, 12, 16, 20].map((start, i, all) => hex.slice(start, all[i + 1])).join('-')}"`;
}

/** An interval of Parquet as ISO 8601 in JSON: months, days and seconds, none of which is turned into another. @param bytes 12 */
export function intervalText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [months, days, ms] = [0, 4, 8].map((at) => view.getUint32(at, true)) as [number, number, number];
  const fraction = ms % 1000 === 0 ? '' : `.${String(ms % 1000).padStart(3, '0')}`;
  return `"P${months}M${days}DT${Math.floor(ms / 1000)}${fraction}S"`;
}
