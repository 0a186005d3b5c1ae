import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { resolveDevice } from '../../transforms/backbone/session-device.js';
import { writeCheckpoint, writeModelFolder } from '../fixtures/checkpoint.js';
import { type Fault, testFaults } from './pipeline.js';

// A folder that is not there might be a name on the hub.
process.env['HF_HUB_OFFLINE'] = '1';

const model = (dir: string, file = '') => join(dir, 'model', file);

async function changeJson(file: string, change: (json: Record<string, unknown>) => unknown): Promise<void> {
  const json = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify(change(json)));
}

const sharded = (dir: string) =>
  rm(model(dir), { recursive: true }).then(() =>
    writeModelFolder(model(dir), 'qwen3', { config: { num_hidden_layers: 2 }, shards: 3 }),
  );

const faults: readonly Fault[] = [
  {
    name: 'a model folder that is not there',
    changes: { extract: '{model: models/none, device: cpu}' },
    message: /^models\/none: HF_HUB_OFFLINE is set\. There is no such folder beside the configuration, .*$/,
  },
  {
    name: 'a model without config.json',
    prepare: (dir) => rm(model(dir, 'config.json')),
    message: /^model\/config\.json: .*$/,
  },
  {
    name: 'a config.json that is no JSON',
    prepare: (dir) => writeFile(model(dir, 'config.json'), '{"model_type": '),
    message: /^model\/config\.json: .*JSON.*$/,
  },
  {
    name: 'an architecture that is not supported',
    prepare: (dir) => changeJson(model(dir, 'config.json'), (json) => ({ ...json, model_type: 'mamba' })),
    message: /^model\/config\.json: .*mamba.*$/,
  },
  {
    name: 'a model without weights',
    prepare: (dir) => rm(model(dir, 'model.safetensors')),
    message: /^model: .*safetensors.*$/,
  },
  {
    name: 'weights that are cut off',
    prepare: (dir) => truncate(model(dir, 'model.safetensors'), 60_000),
    message: /^model\/model\.safetensors: .*(truncated|bytes).*$/,
  },
  {
    name: 'weights that are cut off in their header',
    prepare: (dir) => truncate(model(dir, 'model.safetensors'), 100),
    message: /^model\/model\.safetensors: .*$/,
  },
  {
    name: 'empty weights',
    prepare: (dir) => truncate(model(dir, 'model.safetensors'), 0),
    message: /^model\/model\.safetensors: .*$/,
  },
  {
    name: 'a tensor of another shape',
    prepare: (dir) => changeJson(model(dir, 'config.json'), (json) => ({ ...json, intermediate_size: 96 })),
    message: /^model\/model\.safetensors: .*(gate|up|down)_proj.*96.*$/,
  },
  {
    name: 'fewer layers of weights than config.json says',
    prepare: (dir) => changeJson(model(dir, 'config.json'), (json) => ({ ...json, num_hidden_layers: 3 })),
    message: /^model.*: .*model\.layers\.2\..*$/,
  },
  {
    name: 'an index that is no JSON',
    prepare: (dir) => sharded(dir).then(() => writeFile(model(dir, 'model.safetensors.index.json'), '[]')),
    message: /^model\/model\.safetensors\.index\.json: .*$/,
  },
  {
    name: 'a shard that is missing',
    prepare: (dir) => sharded(dir).then(() => rm(model(dir, 'model-00002-of-00003.safetensors'))),
    message: /^model\/model-00002-of-00003\.safetensors: .*$/,
  },
  {
    name: 'a model without tokenizer.json',
    prepare: (dir) => rm(model(dir, 'tokenizer.json')),
    message: /^model: the folder has no tokenizer\.json.*$/,
  },
  {
    name: 'a tokenizer.json that is cut off',
    prepare: (dir) => truncate(model(dir, 'tokenizer.json'), 1000),
    message: /^model\/tokenizer\.json: not JSON, or cut short.*$/,
  },
  {
    name: 'a tokenizer.json of another kind of JSON',
    prepare: (dir) => writeFile(model(dir, 'tokenizer.json'), '{"vocab": {}}'),
    message: /^model\/tokenizer\.json: not a Hugging Face tokenizer\.json.*$/,
  },
  {
    name: 'a tokenizer that is a Git LFS pointer',
    prepare: (dir) =>
      writeFile(model(dir, 'tokenizer.json'), 'version https://git-lfs/spec/v1\noid sha256:1\n'),
    message: /^model\/tokenizer\.json: .*git lfs pull.*$/,
  },
  {
    name: 'a tokenizer of another model, with more tokens',
    prepare: (dir) => writeCheckpoint(model(dir), 'qwen3', { config: { vocab_size: 128, eos_token_id: 1 } }),
    message:
      /^model: the model knows 128 tokens and the tokenizer gives ids up to \d+: they do not belong together.*$/,
  },
  {
    name: 'documents longer than the positions of the model',
    prepare: (dir) =>
      changeJson(model(dir, 'config.json'), (json) => ({ ...json, max_position_embeddings: 12 })),
    message:
      /^(target|pool)\.parquet: row \d+: has \d+ tokens, expected 1 to 12; set max_length on tokenize$/,
  },
  {
    name: "documents longer than the model's sliding window",
    prepare: (dir) =>
      changeJson(model(dir, 'config.json'), (json) => ({
        ...json,
        ...{ use_sliding_window: true, sliding_window: 12, max_window_layers: 0 },
      })),
    message:
      /^(target|pool)\.parquet: row \d+: has \d+ tokens, expected 1 to 12, the model's sliding window; set max_length on tokenize$/,
  },
  {
    name: 'device: a CUDA card that is not there',
    changes: { extract: '{model: model, device: "cuda:999"}' },
    message: /^device cuda:999 cannot be opened: ./,
  },
  {
    name: 'a target and a pool of different models',
    prepare: (dir) =>
      writeModelFolder(join(dir, 'other'), 'qwen3', { config: { num_hidden_layers: 2 }, seed: 2 }).then(
        async () => {
          const file = join(dir, 'pipeline.yaml');
          const yaml = await readFile(file, 'utf8');
          const nag =
            '[{use: tokenize, with: {model: model}}, {use: extract, with: {model: other, device: cpu}}, {use: top_k, with: {k: 3}}]';
          await writeFile(
            file,
            yaml
              .replace('templates:', `templates:\n  other: ${nag}`)
              .replace('{template: nag}', '{template: other}'),
          );
        },
      ),
    message: /^.*the features cannot be compared with the target's profile.*model weights.*$/,
  },
];

testFaults(t, faults);

const webgpu: Fault = {
  name: 'device: webgpu where there is none',
  changes: { extract: '{model: model, device: webgpu}' },
  message: /^device webgpu cannot be opened: ./,
};
const opens = await resolveDevice('webgpu').then(
  () => true,
  () => false,
);
if (opens) t.pass(webgpu.name, { skip: 'NOT RUN: this machine has WebGPU' });
else testFaults(t, [webgpu]);
