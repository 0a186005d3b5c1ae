import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseArchitecture, widthOf } from '../../../transforms/backbone/architecture.js';
import { neuronTypes } from '../../../transforms/backbone/types.js';
import { needsRealData, realData } from '../../fixtures/paths.js';

const parse = (config: unknown) => parseArchitecture(config, 'config.json');
const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };

t.test('what a file leaves out is what the classes of transformers assume', async (t) => {
  t.match(parse({ model_type: 'qwen3' }), {
    ...{ layers: 32, hidden: 4096, intermediate: 22016, heads: 32, kvHeads: 32, headDim: 128 },
    ...{ vocabulary: 151936, maxPositions: 32768, normEpsilon: 1e-6, rope: { theta: 10_000, scaling: null } },
    ...{ headNorm: true, attentionBias: false, mlpBias: false },
  });
  t.match(parse({ model_type: 'llama' }), {
    ...{ layers: 32, hidden: 4096, intermediate: 11008, heads: 32, kvHeads: 32, headDim: 128 },
    ...{ vocabulary: 32000, maxPositions: 2048, normEpsilon: 1e-6, rope: { theta: 10_000, scaling: null } },
    ...{ headNorm: false, attentionBias: false, mlpBias: false },
  });
  t.match(parse({ model_type: 'smollm3' }), {
    ...{ layers: 36, hidden: 2048, intermediate: 11008, heads: 16, kvHeads: 4, headDim: 128 },
    ...{
      vocabulary: 128256,
      maxPositions: 32768,
      normEpsilon: 1e-6,
      rope: { theta: 2_000_000, scaling: null },
    },
    ...{ headNorm: false, attentionBias: false, mlpBias: false },
  });
});

t.test('a real Qwen3-1.7B configuration', needsRealData, async (t) => {
  const file = join(realData, 'models', 'qwen3-1.7b.config.json');
  const architecture = parse(JSON.parse(readFileSync(file, 'utf8')));
  t.match(architecture, {
    ...{ family: 'qwen3', layers: 28, hidden: 2048, intermediate: 6144, heads: 16, kvHeads: 8, headDim: 128 },
    ...{ vocabulary: 151936, rope: { theta: 1e6, scaling: null } },
  });
});

t.test('widths of the neuron types', async (t) => {
  const sizes = { hidden_size: 48, intermediate_size: 80, num_attention_heads: 4, num_key_value_heads: 2 };
  const architecture = parse({ model_type: 'qwen3', head_dim: 16, ...sizes });
  const widths = neuronTypes.map((type) => [type, widthOf(architecture, type)]);
  t.same(Object.fromEntries(widths), {
    fwd_up: 80,
    fwd_down: 48,
    att_q: 64,
    att_k: 64,
    att_v: 64,
    att_o: 48,
  });
});

t.test('heads', async (t) => {
  const base = { model_type: 'llama', hidden_size: 48, num_attention_heads: 4 };
  t.match(parse(base), { kvHeads: 4, headDim: 12 });
  t.match(parse({ ...base, head_dim: null, num_key_value_heads: null }), { kvHeads: 4, headDim: 12 });
  t.match(parse({ ...base, head_dim: 16 }), { headDim: 16 });
  t.match(
    parse({ ...base, model_type: 'smollm3', num_key_value_heads: null }),
    { kvHeads: 4 },
    'null is not 4 by default',
  );
  t.throws(
    () => parse({ ...base, num_key_value_heads: 3 }),
    /"num_key_value_heads": expected a divisor of the 4 heads/,
  );
  t.throws(() => parse({ ...base, head_dim: 15 }), /"head_dim": expected an even number, found 15/);
});

t.test('RoPE options, under their older and their newer name', async (t) => {
  const rope = (config: object) => parse({ model_type: 'llama', ...config }).rope;
  const scaling = { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 8192 };
  const original = { original_max_position_embeddings: 8192 };
  t.same(rope({ rope_theta: 7, rope_scaling: { ...llama3, ...original } }), { theta: 7, scaling });
  t.same(rope({ rope_parameters: { ...llama3, ...original, rope_theta: 9 } }), { theta: 9, scaling });
  t.same(rope({ rope_theta: 7, rope_parameters: { rope_type: 'default', rope_theta: 9 } }), {
    theta: 9,
    scaling: null,
  });
  t.same(rope({ rope_theta: 7, rope_scaling: null, rope_parameters: {} }), { theta: 7, scaling: null });
  t.same(rope({ rope_scaling: { type: 'llama3', ...llama3, ...original } }), { theta: 10_000, scaling });
  t.same(
    rope({
      rope_scaling: { ...llama3, ...original },
      rope_parameters: { rope_type: 'default', rope_theta: 9 },
    }),
    { theta: 10_000, scaling },
    'the older name wins, as in transformers',
  );
  t.equal(rope({ rope_scaling: llama3, max_position_embeddings: 999 }).scaling?.originalPositions, 999);
});

t.test('SmolLM3: 1 means that RoPE is used', async (t) => {
  const layers = (config: object) =>
    parse({ model_type: 'smollm3', num_hidden_layers: 4, ...config }).ropeLayers;
  t.same(layers({}), [true, true, true, false]);
  t.same(layers({ no_rope_layer_interval: 2 }), [true, false, true, false]);
  t.same(layers({ no_rope_layers: [0, 1, 1, 0, 1] }), [false, true, true, false]);
  t.throws(
    () => layers({ no_rope_layers: [1, 1] }),
    /"no_rope_layers": expected a list of at least 4 zeros and ones/,
  );
  t.throws(() => layers({ no_rope_layers: [1, 1, 1, 2] }), /"no_rope_layers": expected/);
  const other = parse({ model_type: 'llama', num_hidden_layers: 4, no_rope_layers: [0, 0, 0, 0] });
  t.same(other.ropeLayers, [true, true, true, true], 'other families know no such option');
});

t.test('a sliding window limits the documents, where a layer has one', async (t) => {
  const qwen = { model_type: 'qwen3', num_hidden_layers: 2, max_position_embeddings: 9000 };
  const smollm = { model_type: 'smollm3', num_hidden_layers: 2, max_position_embeddings: 9000 };
  const sliding = { use_sliding_window: true, sliding_window: 128 };
  const mixed = { layer_types: ['full_attention', 'sliding_attention'] };
  const cases: readonly [config: object, positions: number][] = [
    [{ ...qwen, ...sliding, use_sliding_window: false }, 9000],
    [{ ...qwen, ...sliding, sliding_window: null }, 9000],
    [{ ...qwen, ...sliding, max_window_layers: 2 }, 9000],
    [{ ...qwen, ...sliding, max_window_layers: 0, layer_types: ['full_attention', 'attention'] }, 9000],
    [{ ...smollm, use_sliding_window: true }, 9000],
    [{ ...qwen, ...sliding, max_window_layers: 1 }, 128],
    [{ ...qwen, ...sliding, max_window_layers: 0, sliding_window: 10_000 }, 9000],
    [{ ...qwen, use_sliding_window: true, max_window_layers: 0 }, 4096],
    [{ ...qwen, ...sliding, ...mixed }, 128],
    [{ ...smollm, ...sliding }, 128],
  ];
  t.strictSame(
    cases.map(([config]) => parse(config).maxPositions),
    cases.map(([, positions]) => positions),
  );
  t.throws(
    () => parse({ ...qwen, ...mixed }),
    /"layer_types": expected use_sliding_window and sliding_window/,
  );
  t.throws(
    () => parse({ ...qwen, layer_types: ['linear_attention', 'full_attention'] }),
    /"layer_types": only "full_attention" is supported, found "linear_attention"/,
  );
});

t.test('whatever else changes the arithmetic is refused by name', async (t) => {
  const refused: readonly [config: unknown, message: RegExp][] = [
    [[], /^config\.json: expected a JSON object/],
    [{}, /"model_type": nothing is not supported; supported are qwen3, llama, smollm3/],
    [{ model_type: 'gpt2' }, /"model_type": "gpt2" is not supported; supported are qwen3, llama, smollm3/],
    [{ model_type: 'llama', hidden_act: 'gelu' }, /"hidden_act": expected "silu", found "gelu"/],
    [{ model_type: 'llama', is_causal: false }, /"is_causal": only causal attention/],
    [{ model_type: 'llama', quantization_config: { quant_method: 'gptq' } }, /"quantization_config"/],
    [
      { model_type: 'llama', partial_rotary_factor: 0.5, rope_scaling: llama3 },
      /"partial_rotary_factor": only 1 is supported, found 0\.5/,
    ],
    [
      { model_type: 'llama', rope_parameters: { ...llama3, partial_rotary_factor: 0.5 } },
      /"rope_parameters\.partial_rotary_factor"/,
    ],
    [
      { model_type: 'llama', rope_scaling: { type: 'linear', factor: 2 } },
      /"rope_scaling\.type": .*"linear" with factor 1, found "linear" with factor 2$/,
    ],
    [
      { model_type: 'llama', rope_theta: Number.POSITIVE_INFINITY },
      /"rope_theta": expected a number above 0, found Infinity/,
    ],
    [
      { model_type: 'qwen3', rope_scaling: { rope_type: 'yarn' } },
      /"rope_scaling\.rope_type": .*found "yarn"/,
    ],
    [
      { model_type: 'llama', rope_scaling: { rope_type: 'llama3' } },
      /"rope_scaling\.factor": expected a number above 0/,
    ],
    [
      { model_type: 'llama', rope_parameters: { full_attention: {} } },
      /"rope_parameters\.full_attention": .*each layer/,
    ],
    [{ model_type: 'llama', rope_theta: '1e4' }, /"rope_theta": expected a number above 0, found "1e4"/],
    [{ model_type: 'llama', rms_norm_eps: -1 }, /"rms_norm_eps"/],
    [{ model_type: 'llama', attention_bias: 1 }, /"attention_bias": expected true or false, found 1/],
  ];
  for (const [config, message] of refused) t.throws(() => parse(config), { name: 'DataError', message });
});
