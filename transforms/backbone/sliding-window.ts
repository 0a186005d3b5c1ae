import type { ConfigObject } from './config-values.js';
import { configError, count, flag, list, optional, shown } from './config-values.js';
import type { Family } from './types.js';

/** Names of full attention; transformers reads the second as the first. */
const fullNames: readonly unknown[] = ['full_attention', 'attention'];

/**
 * Tokens that see one another in every layer: up to so many, attention is full. Infinity where no layer has a window.
 * @param standard the family's window where config.json leaves it out
 * @throws DataError for other kinds of attention
 */
export function slidingWindowOf(
  config: ConfigObject,
  family: Family,
  layers: number,
  standard: number | null,
): number {
  const types = list(config, 'layer_types');
  const other = types?.find((type) => !fullNames.includes(type));
  if (other !== undefined && other !== 'sliding_attention')
    throw configError(config, 'layer_types', `only "full_attention" is supported, found ${shown(other)}`);
  if (types !== undefined && other === undefined) return Number.POSITIVE_INFINITY;
  const used = flag(config, 'use_sliding_window');
  const window = windowOf(config, standard);
  if (other !== undefined && (!used || window === null))
    throw configError(
      config,
      'layer_types',
      'expected use_sliding_window and sliding_window beside "sliding_attention"',
    );
  const fullLayers =
    family === 'qwen3' && other === undefined ? count(config, 'max_window_layers', 28, 0) : 0;
  return used && window !== null && fullLayers < layers ? window : Number.POSITIVE_INFINITY;
}

function windowOf(config: ConfigObject, standard: number | null): number | null {
  if (config.values['sliding_window'] === null) return null;
  const window = optional(config, 'sliding_window') ?? standard;
  return window === null ? null : count(config, 'sliding_window', standard ?? 1);
}
