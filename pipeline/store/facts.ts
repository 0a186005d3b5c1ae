import { createHash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.js';
import type { Making } from '../component.js';

/** Changes when what is kept changes its form. */
const format = 2;

/** SHA-256, in hex, of how rows were made. */
export function makingHash(making: Making): string {
  return createHash('sha256').update(makingJson(making)).digest('hex');
}

export function makingJson(making: Making): string {
  return canonicalJson({ format, making });
}

/** The making that such JSON describes; undefined for anything else. */
export function parseMaking(text: string): Making | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isMaking(value) ? value.making : undefined;
  } catch {
    return undefined;
  }
}

/** What differs between two makings, a phrase each: `tokenize max_length: 120 and 128`. */
export function differencesOf(a: Making, b: Making): string[] {
  const [left, right] = [flat(a), flat(b)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((key) => left.get(key) !== right.get(key))
    .map((key) => `${key}: ${left.get(key) ?? 'nothing'} and ${right.get(key) ?? 'nothing'}`);
}

function flat(making: Making): Map<string, string> {
  return new Map(
    making.flatMap(({ stage, facts }) =>
      Object.entries(facts).map(([key, value]): [string, string] => [
        `${stage} ${key}`,
        short(typeof value === 'string' ? value : canonicalJson(value)),
      ]),
    ),
  );
}

/** Hashes are long: their beginnings tell them apart. */
function short(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 12)}…` : text;
}

function isMaking(value: unknown): value is { making: Making } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === format &&
    'making' in value &&
    Array.isArray(value.making) &&
    value.making.every((part: unknown) => typeof part === 'object' && part !== null && 'facts' in part)
  );
}
