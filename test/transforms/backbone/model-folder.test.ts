import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';

type FolderContent = Record<string, string | Record<string, string>>;

/** What a model's folder is refused with, less its name. */
async function refusal(t: Test, files: FolderContent, weights?: string): Promise<string> {
  const dir = t.testdir({ model: files });
  const model = join(dir, 'model');
  if (weights !== undefined) {
    await writeCheckpoint(model, 'qwen3', { config: { num_hidden_layers: 1 } });
    await rename(join(model, 'model.safetensors'), join(model, weights));
  }
  try {
    await openCheckpoint(model);
  } catch (error) {
    return (error as Error).message.replaceAll(model, 'DIR');
  }
  return 'opened';
}

t.test('an adapter, beside a model or alone', async (t) => {
  const lora = JSON.stringify({ peft_type: 'LORA', base_model_name_or_path: 'Qwen/Qwen3-0.6B-Base' });
  const expected =
    'DIR/adapter_config.json: this folder holds an adapter (LORA) for Qwen/Qwen3-0.6B-Base, not a whole model: merge it first, ' +
    'in Python peft.AutoPeftModelForCausalLM.from_pretrained(FOLDER).merge_and_unload().save_pretrained(NEW_FOLDER), copy the tokenizer there and name that folder; ' +
    'or move the adapter away to use the model beside it as it is';
  t.equal(await refusal(t, { 'adapter_config.json': lora }, 'model.safetensors'), expected);
  t.equal(await refusal(t, { 'adapter_config.json': lora, 'adapter_model.safetensors': '' }), expected);
  t.match(
    await refusal(t, { 'adapter_config.json': '{' }, 'model.safetensors'),
    /this folder holds an adapter, not a whole model/,
  );
});

const expected = 'DIR: no weights: expected model.safetensors, or shards with model.safetensors.index.json';
const convert =
  'convert them: in Python transformers.AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)';

const others: readonly [name: string, what: string][] = [
  [
    'model-00001-of-00002.safetensors',
    '1 of 2 shards are there (model-00001-of-00002.safetensors …) without their index: fetch model.safetensors.index.json from where they come from',
  ],
  ['pytorch_model.bin', `pytorch_model.bin holds them as PyTorch pickles them; ${convert}`],
  [
    'pytorch_model-00001-of-00002.bin',
    `pytorch_model-00001-of-00002.bin holds them as PyTorch pickles them; ${convert}`,
  ],
  ['consolidated.00.pth', `consolidated.00.pth holds them as PyTorch pickles them; ${convert}`],
  [
    'consolidated.safetensors',
    'consolidated.safetensors has the names of another program than transformers: fetch model.safetensors, or convert it',
  ],
  [
    'model-Q4_K_M.gguf',
    'model-Q4_K_M.gguf is for llama.cpp, mostly quantized: take the model that it was made from',
  ],
  ['tf_model.h5', 'tf_model.h5 is of another framework; convert it with a transformers 4'],
  [
    'model.fp16.safetensors',
    'model.fp16.safetensors has another name: where it is the whole model, name it model.safetensors',
  ],
];

for (const [name, what] of others)
  t.test(`${name} alone is named for what it is`, async (t) => {
    t.equal(await refusal(t, {}, name), `${expected}; ${what}`);
  });

t.test('weights in a folder below, and none at all', async (t) => {
  const config = JSON.stringify({ model_type: 'qwen3' });
  t.equal(
    await refusal(t, { 'config.json': config, 'checkpoint-500': { 'model.safetensors': '' } }),
    `${expected}; there are some in DIR/checkpoint-500: name that folder`,
  );
  t.equal(await refusal(t, { 'config.json': config }), expected);
});

t.test('files of other programs beside the weights are no matter', async (t) => {
  const files = { 'consolidated.safetensors': '', 'pytorch_model.bin': '', 'model.fp16.safetensors': '' };
  t.equal(await refusal(t, files, 'model.safetensors'), 'opened');
});
