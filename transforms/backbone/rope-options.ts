import type { ConfigObject } from './config-values.js';
import { configError, count, isObject, optional, positive, section, shown } from './config-values.js';
import type { Rope } from './types.js';

/**
 * Reads RoPE's options as transformers 5 does. `rope_scaling` is the older name of `rope_parameters`, and wins where a
 * file has both. Types that change nothing up to `maxPositions` are `default`.
 * @throws DataError for whatever else changes the arithmetic
 */
export function ropeOf(config: ConfigObject, standardTheta: number, maxPositions: number): Rope {
  const options = section(config, 'rope_scaling') ?? section(config, 'rope_parameters');
  const outer = positive(config, 'rope_theta', standardTheta);
  if (options === undefined) return { theta: outer, scaling: null };
  const theta = positive(options, 'rope_theta', outer);
  const key = optional(options, 'rope_type') === undefined ? 'type' : 'rope_type';
  const type = optional(options, key) ?? 'default';
  if (type !== 'llama3') {
    refuseNested(options);
    if (changesNothing(type, options)) return { theta, scaling: null };
    const factor = type === 'linear' ? ` with factor ${shown(optional(options, 'factor'))}` : '';
    const supported = 'supported are "default" and "llama3", and "linear" with factor 1';
    throw configError(options, key, `${supported}, found ${shown(type)}${factor}`);
  }
  // Other types of these families turn whole heads, whatever it says.
  for (const each of [config, options]) refusePartialRotation(each);
  // A top-level key wins over the one beside the factors.
  const top = optional(config, 'original_max_position_embeddings') === undefined ? options : config;
  return {
    theta,
    scaling: {
      factor: positive(options, 'factor'),
      lowFrequencyFactor: positive(options, 'low_freq_factor'),
      highFrequencyFactor: positive(options, 'high_freq_factor'),
      originalPositions: count(top, 'original_max_position_embeddings', maxPositions),
    },
  };
}

/** `dynamic` begins to scale behind `max_position_embeddings`, where no document ends. */
function changesNothing(type: unknown, options: ConfigObject): boolean {
  if (type === 'linear') return optional(options, 'factor') === 1;
  return type === 'default' || type === 'dynamic';
}

function refusePartialRotation(config: ConfigObject): void {
  const factor = optional(config, 'partial_rotary_factor') ?? 1;
  if (factor === 1) return;
  throw configError(config, 'partial_rotary_factor', `only 1 is supported, found ${shown(factor)}`);
}

/** Options a layer type each would pass for missing ones. */
function refuseNested(options: ConfigObject): void {
  const nested = Object.entries(options.values).find(([, value]) => isObject(value));
  if (nested === undefined) return;
  throw configError(options, nested[0], 'RoPE options for each layer type are not supported');
}
