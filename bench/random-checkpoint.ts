/**
 * Writes a checkpoint of random weights with the true shape of Qwen3-0.6B, in bfloat16 (1.2 GB), for measurements
 * where only the arithmetic matters. The tokenizer is linked from another folder.
 *
 *   node dist/bench/random-checkpoint.js FOLDER TOKENIZER_FOLDER
 */
import { copyFile, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Its config.json. */
export const config = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  hidden_size: 1024,
  intermediate_size: 3072,
  num_hidden_layers: 28,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  vocab_size: 151_936,
  max_position_embeddings: 32_768,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  hidden_act: 'silu',
  attention_bias: false,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
};

/** Names and shapes of all tensors, in the order of the file. */
function tensors(): [string, number[]][] {
  const { hidden_size: hidden, intermediate_size: wide, head_dim: dim } = config;
  const query = config.num_attention_heads * dim;
  const key = config.num_key_value_heads * dim;
  const layer = (l: number): [string, number[]][] =>
    [
      ['input_layernorm', [hidden]],
      ['self_attn.q_proj', [query, hidden]],
      ['self_attn.k_proj', [key, hidden]],
      ['self_attn.v_proj', [key, hidden]],
      ['self_attn.o_proj', [hidden, query]],
      ['self_attn.q_norm', [dim]],
      ['self_attn.k_norm', [dim]],
      ['post_attention_layernorm', [hidden]],
      ['mlp.gate_proj', [wide, hidden]],
      ['mlp.up_proj', [wide, hidden]],
      ['mlp.down_proj', [hidden, wide]],
    ].map(([name, shape]) => [`model.layers.${l}.${name as string}.weight`, shape as number[]]);
  const layers = Array.from({ length: config.num_hidden_layers }, (_, l) => layer(l)).flat();
  return [
    ['model.embed_tokens.weight', [config.vocab_size, hidden]],
    ...layers,
    ['model.norm.weight', [hidden]],
  ];
}

const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

function header(all: readonly [string, number[]][]): Buffer {
  let end = 0;
  const entries = all.map(([name, shape]) => {
    const start = end;
    end += 2 * size(shape);
    return [name, { dtype: 'BF16', shape, data_offsets: [start, end] }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}

/** Uniform values of the variance of a trained matrix; norms near 1. The upper half of a float32 is its bfloat16. */
function fill(values: Uint16Array, shape: readonly number[], state: { seed: number }): void {
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  const scale = shape.length === 1 ? 0.1 : Math.sqrt(3 / shape[1]!);
  const offset = shape.length === 1 ? 1 : 0;
  for (let i = 0; i < values.length; i++) {
    let x = state.seed;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    state.seed = x;
    float[0] = offset + scale * ((x >>> 0) / 2 ** 31 - 1);
    values[i] = bits[0]! >>> 16;
  }
}

/** Writes the checkpoint's folder, with the tokenizer.json of another one. */
export async function writeRandomCheckpoint(folder: string, tokenizer: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config, null, 2));
  await copyFile(join(tokenizer, 'tokenizer.json'), join(folder, 'tokenizer.json'));
  const file = await open(join(folder, 'model.safetensors'), 'w');
  const all = tensors();
  await file.write(header(all));
  const state = { seed: 20260415 };
  for (const [, shape] of all) {
    const values = new Uint16Array(size(shape));
    fill(values, shape, state);
    await file.writeFile(new Uint8Array(values.buffer));
  }
  await file.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, tokenizer] = process.argv.slice(2);
  if (!folder || !tokenizer) throw new Error('usage: random-checkpoint.js FOLDER TOKENIZER_FOLDER');
  await writeRandomCheckpoint(folder, tokenizer);
}
