import { NagError } from '../pipeline/errors.js';
import { type FeatureInfo, subsetText, trusted, unknown } from './columns.js';

const shape: readonly [string, (info: FeatureInfo) => string][] = [
  ['neuron type', (info) => info.neurons],
  ['layers', (info) => String(info.layers)],
  ['layers of the model', (info) => subsetText(info.subset)],
  ['neurons a layer', (info) => String(info.width)],
  ['neurons kept a layer', (info) => String(info.k)],
];

const origin: readonly [string, (info: FeatureInfo) => string][] = [
  ['model weights', (info) => info.model],
  ['tokenizer', (info) => info.tokenizer],
  ['precision', (info) => info.precision ?? 'float32'],
  ['max_length', (info) => (info.maxLength === 0 ? unknown : String(info.maxLength))],
];

/**
 * How features were made differently, as `what: this and that; …`; undefined where they can be compared. What is not
 * known equals itself only; where one side is trusted, the other's model, tokenizer and max_length may be any.
 */
export function differenceOfFeatures(a: FeatureInfo, b: FeatureInfo): string | undefined {
  const compared = [a, b].some(({ model }) => model === trusted) ? shape : [...shape, ...origin];
  const different = compared.filter(([, text]) => text(a) !== text(b));
  if (different.length === 0) return undefined;
  return different
    .map(([name, text]) => `${name}: ${text(a).slice(0, 16)} and ${text(b).slice(0, 16)}`)
    .join('; ');
}

/** Throws where features were not made alike: their neurons would mean different things. */
export function requireComparable(expected: FeatureInfo, found: FeatureInfo, what: string): void {
  const difference = differenceOfFeatures(expected, found);
  if (difference === undefined) return;
  const vouch =
    (expected.model === unknown) === (found.model === unknown)
      ? ''
      : '; one of them is from a file that does not say how it was made: if you know it to be alike, set trust: true on its read.features';
  throw new NagError(
    `the features cannot be compared with ${what}, they were made differently (${difference})${vouch}`,
  );
}
