import { describeValue } from '../../pipeline/describe-value.js';
import { isLiteral, WrittenNumber } from './written-numbers.js';

export function isNumber(value: unknown): value is number | WrittenNumber {
  return typeof value === 'number' || value instanceof WrittenNumber;
}

/** Whether a value is a number, or true or false: what a column of text may take as it is written. */
export function isScalar(value: unknown): value is number | boolean | WrittenNumber {
  return isNumber(value) || typeof value === 'boolean';
}

/** A scalar as it was written. */
export function scalarText(value: number | boolean | WrittenNumber): string {
  return value instanceof WrittenNumber ? value.text : String(value);
}

/**
 * A parsed value as JSON again, its numbers with the digits that they had.
 * @param nonFinite told of each NaN or infinity, which JSON does not have: it becomes null
 */
export function jsonText(value: unknown, nonFinite: () => void): string {
  if (value instanceof WrittenNumber) {
    if (!isLiteral(value.text)) return value.text;
    nonFinite();
    return 'null';
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item, nonFinite)).join(',')}]`;
  const entries = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}:${jsonText(inner, nonFinite)}`,
  );
  return `{${entries.join(',')}}`;
}

/** As `describeValue`, for a value of a line of JSON. */
export function describeJson(value: unknown): string {
  return value instanceof WrittenNumber ? value.text.slice(0, 80) : describeValue(value);
}
