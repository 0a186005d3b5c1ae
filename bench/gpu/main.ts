/**
 * Writes a folder of about 3 MB that measures a GPU: copy it to a machine with an NVIDIA card, Python and PyTorch, and
 * there run `python measure.py`. No network, no Node and no weights are needed. docs/gpu.md tells what it prints.
 *
 *   npm run bench:gpu -- FOLDER [CONFIG]      CONFIG: a config.json of another shape than Qwen3-1.7B's
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { projectRoot } from '../../test/fixtures/paths.js';
import { writeBundle } from './bundle.js';

/** Of Qwen3-1.7B, what its config.json says. */
const qwen3 = {
  model_type: 'qwen3',
  hidden_act: 'silu',
  hidden_size: 2048,
  intermediate_size: 6144,
  num_hidden_layers: 28,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  vocab_size: 151_936,
  max_position_embeddings: 40_960,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  attention_bias: false,
  tie_word_embeddings: true,
};

const [folder, config] = process.argv.slice(2);
if (folder === undefined) throw new Error('npm run bench:gpu -- FOLDER [CONFIG]');
const shape: unknown = config === undefined ? qwen3 : JSON.parse(await readFile(config, 'utf8'));
const script = join(projectRoot, 'bench', 'gpu', 'measure.py');
await writeBundle(resolve(folder), shape, script, { length: 120, k: 20 });
console.log(`wrote ${resolve(folder)}: copy it to the machine with the GPU, and run python measure.py there`);
