import { NagError } from '../pipeline/errors.js';
import type { FeatureInfo } from './columns.js';

const names: readonly [keyof FeatureInfo, string][] = [
  ['neurons', 'neuron type'],
  ['layers', 'layers'],
  ['width', 'neurons a layer'],
  ['k', 'neurons kept a layer'],
  ['model', 'model weights'],
  ['tokenizer', 'tokenizer'],
];

/** Throws where features were not made alike: their neurons would mean different things. */
export function requireComparable(expected: FeatureInfo, found: FeatureInfo, what: string): void {
  const different = names.filter(([key]) => expected[key] !== found[key]);
  if (different.length === 0) return;
  const list = different
    .map(([key, name]) => `${name}: ${short(expected[key])} and ${short(found[key])}`)
    .join('; ');
  throw new NagError(`the features cannot be compared with ${what}, they were made differently (${list})`);
}

function short(value: string | number): string {
  return String(value).slice(0, 16);
}
