import t from 'tap';
import { parseArchitecture } from '../../../transforms/backbone/architecture.js';
import { allWeights, bodyWeights, headName } from '../../../transforms/backbone/weights.js';

const sizes = {
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 32,
  head_dim: 6,
};

t.test('a qwen3 body has its head norms, and no final norm and no head', async (t) => {
  const specs = bodyWeights(parseArchitecture({ model_type: 'qwen3', ...sizes }, 'config.json'));
  const shapes = Object.fromEntries(specs.map(({ name, shape }) => [name, shape]));
  t.equal(specs.length, 1 + 2 * 11);
  t.same(shapes['model.embed_tokens.weight'], [32, 8]);
  t.same(shapes['model.layers.1.self_attn.q_proj.weight'], [24, 8]);
  t.same(shapes['model.layers.1.self_attn.v_proj.weight'], [12, 8]);
  t.same(shapes['model.layers.1.self_attn.o_proj.weight'], [8, 24]);
  t.same(shapes['model.layers.0.self_attn.k_norm.weight'], [6]);
  t.same(shapes['model.layers.0.mlp.up_proj.weight'], [12, 8]);
  t.same(shapes['model.layers.0.mlp.down_proj.weight'], [8, 12]);
  t.notOk(specs.some(({ name }) => name.includes('lm_head') || name === 'model.norm.weight'));
});

t.test('biases are there when the configuration says so', async (t) => {
  const biases = (config: object) =>
    bodyWeights(parseArchitecture({ ...sizes, num_hidden_layers: 1, ...config }, 'config.json'))
      .filter(({ name }) => name.endsWith('.bias'))
      .map(({ name, shape }) => `${name.split('.').at(-2)} ${shape}`);
  t.same(biases({ model_type: 'llama' }), []);
  t.same(biases({ model_type: 'llama', attention_bias: true, mlp_bias: true }), [
    'q_proj 24',
    'k_proj 12',
    'v_proj 12',
    'o_proj 8',
    'gate_proj 12',
    'up_proj 12',
    'down_proj 8',
  ]);
  t.equal(
    biases({ model_type: 'qwen3', attention_bias: true, mlp_bias: true }).length,
    4,
    'qwen3: no MLP biases',
  );
});

t.test('probabilities need the final norm too, and a head that is not the embedding', async (t) => {
  const more = (config: object) => {
    const architecture = parseArchitecture({ ...sizes, ...config }, 'config.json');
    const body = new Set(bodyWeights(architecture).map(({ name }) => name));
    t.ok(allWeights(architecture).some(({ name }) => name === headName(architecture)));
    return allWeights(architecture).filter(({ name }) => !body.has(name));
  };
  const norm = { name: 'model.norm.weight', shape: [8] };
  const head = { name: 'lm_head.weight', shape: [32, 8] };
  t.same(more({ model_type: 'llama', tie_word_embeddings: true }), [norm]);
  t.same(more({ model_type: 'llama', tie_word_embeddings: false }), [norm, head]);
  t.same(more({ model_type: 'qwen3' }), [norm, head], 'not tied where the configuration says nothing');
  t.same(more({ model_type: 'smollm3' }), [norm], 'tied where it says nothing');
});
