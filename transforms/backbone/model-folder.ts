import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../pipeline/errors.js';
import { adapterFault } from '../model-files/adapter.js';

const adapterName = 'adapter_config.json';

/** Whether there is a file or a folder. @throws DataError where that cannot be found out */
export async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw new DataError({ file }, 'cannot be read', { cause });
  }
}

/**
 * An adapter changes the model that lies beside it, or needs one from elsewhere: transformers applies it, and here it
 * would be left out.
 * @throws DataError where a folder has one
 */
export async function refuseAdapter(dir: string): Promise<void> {
  const file = join(dir, adapterName);
  if (!(await exists(file))) return;
  throw new DataError({ file }, adapterFault(await readFile(file, 'utf8').catch(() => '')));
}

/** What a folder without model.safetensors and without an index has instead, and what to do. */
export async function noWeights(dir: string): Promise<DataError> {
  const names = (await readdir(dir).catch((): string[] => [])).sort();
  const expected = 'no weights: expected model.safetensors, or shards with model.safetensors.index.json';
  const other = otherWeights(names) ?? (await inSubfolder(dir, names));
  return new DataError({ file: dir }, other === undefined ? expected : `${expected}; ${other}`);
}

const convert =
  'convert them: in Python transformers.AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)';

function otherWeights(names: readonly string[]): string | undefined {
  const first = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const shards = names.filter((name) => /^model-\d+-of-\d+\.safetensors$/.test(name));
  if (shards[0] !== undefined) {
    const all = Number(/of-(\d+)/.exec(shards[0])?.[1]);
    return `${shards.length} of ${all} shards are there (${shards[0]} …) without their index: fetch model.safetensors.index.json from where they come from`;
  }
  const pickled = first(
    /^(pytorch_model.*|consolidated.*|model)\.(bin|pt|pth)$|^pytorch_model\.bin\.index\.json$/,
  );
  if (pickled !== undefined) return `${pickled} holds them as PyTorch pickles them; ${convert}`;
  const consolidated = first(/^consolidated.*\.safetensors$/);
  if (consolidated !== undefined)
    return `${consolidated} has the names of another program than transformers: fetch model.safetensors, or convert it`;
  const gguf = first(/\.gguf$/);
  if (gguf !== undefined)
    return `${gguf} is for llama.cpp, mostly quantized: take the model that it was made from`;
  const framework = first(/^(tf_model\.h5|flax_model\.msgpack)$/);
  if (framework !== undefined)
    return `${framework} is of another framework; convert it with a transformers 4`;
  const variant = first(/\.safetensors$/);
  return variant && `${variant} has another name: where it is the whole model, name it model.safetensors`;
}

/** Trainers keep checkpoints in folders of their own. */
async function inSubfolder(dir: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const found = await readdir(join(dir, name)).catch((): string[] => []);
    if (found.some((own) => /^model\.safetensors(\.index\.json)?$/.test(own)))
      return `there are some in ${join(dir, name)}: name that folder`;
  }
  return undefined;
}
