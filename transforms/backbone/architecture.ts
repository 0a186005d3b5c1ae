import { DataError } from '../../pipeline/errors.js';
import type { ConfigObject } from './config-values.js';
import { configError, count, flag, isObject, list, optional, positive, shown } from './config-values.js';
import { ropeOf } from './rope-options.js';
import { slidingWindowOf } from './sliding-window.js';
import type { Architecture, Family, NeuronType } from './types.js';
import { families } from './types.js';

/** What the configuration classes of HuggingFace transformers assume for a key that config.json leaves out. */
interface Defaults {
  readonly hidden: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  /** null: as many as there are heads. */
  readonly kvHeads: number | null;
  /** null: hidden / heads. */
  readonly headDim: number | null;
  readonly vocabulary: number;
  readonly maxPositions: number;
  readonly slidingWindow: number | null;
  readonly theta: number;
}

const defaults: Readonly<Record<Family, Defaults>> = {
  qwen3: {
    hidden: 4096,
    intermediate: 22016,
    layers: 32,
    heads: 32,
    kvHeads: 32,
    headDim: 128,
    vocabulary: 151936,
    maxPositions: 32768,
    slidingWindow: 4096,
    theta: 10_000,
  },
  llama: {
    hidden: 4096,
    intermediate: 11008,
    layers: 32,
    heads: 32,
    kvHeads: null,
    headDim: null,
    vocabulary: 32000,
    maxPositions: 2048,
    slidingWindow: null,
    theta: 10_000,
  },
  smollm3: {
    hidden: 2048,
    intermediate: 11008,
    layers: 36,
    heads: 16,
    kvHeads: 4,
    headDim: null,
    vocabulary: 128256,
    maxPositions: 32768,
    slidingWindow: null,
    theta: 2_000_000,
  },
};

/**
 * Reads the content of a config.json. Whatever changes the arithmetic is understood or refused.
 * @param file the file's name, for messages
 * @throws DataError naming the key, what was expected and what was found
 */
export function parseArchitecture(json: unknown, file: string): Architecture {
  if (!isObject(json)) throw new DataError({ file }, 'expected a JSON object: a model configuration');
  const config: ConfigObject = { file, path: '', values: json };
  const family = familyOf(config);
  refuseOtherArithmetic(config);
  const sizes = sizesOf(config, defaults[family]);
  const ropeLayers = ropeLayersOf(config, family, sizes.layers);
  const window = slidingWindowOf(config, family, sizes.layers, defaults[family].slidingWindow);
  return {
    family,
    ...sizes,
    normEpsilon: positive(config, 'rms_norm_eps', 1e-6),
    headNorm: family === 'qwen3',
    attentionBias: flag(config, 'attention_bias'),
    // Qwen3's MLP has no biases, whatever its configuration says.
    mlpBias: family !== 'qwen3' && flag(config, 'mlp_bias'),
    rope: ropeOf(config, defaults[family].theta, sizes.maxPositions),
    ropeLayers,
    maxPositions: Math.min(sizes.maxPositions, window),
    windowed: window < sizes.maxPositions,
    tiedHead: flag(config, 'tie_word_embeddings', family === 'smollm3'),
  };
}

/** Neurons of one type in a layer; keys and values count once for every query head that uses them. */
export function widthOf(architecture: Architecture, type: NeuronType): number {
  switch (type) {
    case 'fwd_up':
      return architecture.intermediate;
    case 'fwd_down':
    case 'att_o':
      return architecture.hidden;
    default:
      return architecture.heads * architecture.headDim;
  }
}

function familyOf(config: ConfigObject): Family {
  const found = optional(config, 'model_type');
  const family = families.find((name) => name === found);
  if (family !== undefined) return family;
  throw configError(
    config,
    'model_type',
    `${shown(found)} is not supported; supported are ${families.join(', ')}`,
  );
}

function refuseOtherArithmetic(config: ConfigObject): void {
  const activation = optional(config, 'hidden_act') ?? 'silu';
  // transformers knows it by both names.
  if (activation !== 'silu' && activation !== 'swish') {
    throw configError(config, 'hidden_act', `expected "silu", found ${shown(activation)}`);
  }
  if (optional(config, 'is_causal') === false) {
    throw configError(config, 'is_causal', 'only causal attention is supported, found false');
  }
  if (optional(config, 'quantization_config') !== undefined) {
    throw configError(
      config,
      'quantization_config',
      'quantized weights are not supported; use the checkpoint that was quantized (F32, F16 or BF16)',
    );
  }
}

function sizesOf(config: ConfigObject, standard: Defaults) {
  const hidden = count(config, 'hidden_size', standard.hidden);
  const heads = count(config, 'num_attention_heads', standard.heads);
  const kvHeads = count(config, 'num_key_value_heads', missingKvHeads(config, standard, heads));
  if (heads % kvHeads !== 0) {
    throw configError(
      config,
      'num_key_value_heads',
      `expected a divisor of the ${heads} heads, found ${kvHeads}`,
    );
  }
  const headDim = count(config, 'head_dim', standard.headDim ?? Math.floor(hidden / heads));
  if (headDim % 2 !== 0) throw configError(config, 'head_dim', `expected an even number, found ${headDim}`);
  return {
    layers: count(config, 'num_hidden_layers', standard.layers),
    hidden,
    intermediate: count(config, 'intermediate_size', standard.intermediate),
    heads,
    kvHeads,
    headDim,
    vocabulary: count(config, 'vocab_size', standard.vocabulary),
    maxPositions: count(config, 'max_position_embeddings', standard.maxPositions),
  };
}

function missingKvHeads(config: ConfigObject, standard: Defaults, heads: number): number {
  // A null means as many as there are heads; only a missing key takes the family's number.
  return config.values['num_key_value_heads'] === null ? heads : (standard.kvHeads ?? heads);
}

/** SmolLM3: `no_rope_layers[l]` is 1 where RoPE **is** used. */
function ropeLayersOf(config: ConfigObject, family: Family, layers: number): readonly boolean[] {
  if (family !== 'smollm3') return Array.from({ length: layers }, () => true);
  const interval = count(config, 'no_rope_layer_interval', 4);
  const flags = list(config, 'no_rope_layers');
  if (flags === undefined) return Array.from({ length: layers }, (_, layer) => (layer + 1) % interval !== 0);
  if (flags.length < layers || !flags.every((value) => value === 0 || value === 1)) {
    const expected = `expected a list of at least ${layers} zeros and ones`;
    throw configError(config, 'no_rope_layers', `${expected}, found ${shown(flags)}`);
  }
  return flags.slice(0, layers).map((value) => value === 1);
}
