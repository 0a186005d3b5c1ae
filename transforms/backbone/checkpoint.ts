import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DataError } from '../../pipeline/errors.js';
import { parseArchitecture } from './architecture.js';
import { isObject } from './config-values.js';
import type { StoredTensor } from './safetensors.js';
import { readSafetensorsHeader } from './safetensors.js';
import type { Architecture, Checkpoint, Tensor, WeightType } from './types.js';
import { weightTypes } from './types.js';
import { bodyWeights, embeddingName, type WeightSpec } from './weights.js';

export type { Checkpoint, Tensor } from './types.js';

const singleName = 'model.safetensors';
const indexName = 'model.safetensors.index.json';

interface FoundTensor extends StoredTensor {
  readonly file: string;
}

/**
 * Opens a HuggingFace model folder: config.json with model.safetensors, or with shards and their index. Reads headers
 * only, and checks that every tensor of the body, or whichever are asked for, is there in its shape. Folders of symbolic links (HuggingFace's cache)
 * work, and so do checkpoints of a bare body, whose names have no `model.` in front.
 * @throws DataError for anything missing, broken or unsupported, naming the file and what is expected
 */
export async function openCheckpoint(
  dir: string,
  needed: (architecture: Architecture) => readonly WeightSpec[] = bodyWeights,
): Promise<Checkpoint> {
  const configFile = join(dir, 'config.json');
  const architecture = parseArchitecture(await readJson(configFile), configFile);
  const { source, found } = await findTensors(dir);
  const prefix = found.has(embeddingName) || !found.has(embeddingName.slice('model.'.length)) ? '' : 'model.';
  const realFiles = new Map<string, string>();
  for (const { file } of found.values()) {
    if (!realFiles.has(file)) realFiles.set(file, await realpath(file));
  }
  const tensors = new Map<string, Tensor>();
  for (const [stored, tensor] of found) {
    const { dtype, file } = tensor;
    const name = prefix + stored;
    if (isWeightType(dtype))
      tensors.set(name, { ...tensor, dtype, name, realFile: realFiles.get(file) ?? file });
  }
  for (const { name, shape } of needed(architecture)) {
    checkTensor(name, shape, found.get(name.slice(prefix.length)), source);
  }
  return { dir, architecture, tensors, files: realFiles };
}

/** The architecture that a folder's config.json describes; undefined where there is none that can be used. */
export async function findArchitecture(dir: string): Promise<Architecture | undefined> {
  const file = join(dir, 'config.json');
  try {
    return parseArchitecture(await readJson(file), file);
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

function checkTensor(
  name: string,
  shape: readonly number[],
  found: FoundTensor | undefined,
  source: string,
): void {
  const expected = `[${shape.join(', ')}]`;
  if (found === undefined) {
    throw new DataError({ file: source }, `tensor "${name}" of shape ${expected} is missing`);
  }
  if (!isWeightType(found.dtype)) {
    const types = weightTypes.join(', ');
    throw new DataError(
      { file: found.file },
      `tensor "${name}": expected dtype ${types}, found ${found.dtype}`,
    );
  }
  if (found.shape.length === shape.length && found.shape.every((extent, i) => extent === shape[i])) return;
  throw new DataError(
    { file: found.file },
    `tensor "${name}": config.json asks for shape ${expected}, found [${found.shape.join(', ')}]`,
  );
}

/** A single file wins over an index, as in transformers. */
async function findTensors(dir: string): Promise<{ source: string; found: Map<string, FoundTensor> }> {
  const single = join(dir, singleName);
  if (await exists(single)) {
    const header = await readSafetensorsHeader(single);
    const found = new Map([...header].map(([name, tensor]) => [name, { ...tensor, file: single }]));
    return { source: single, found };
  }
  const index = join(dir, indexName);
  if (await exists(index)) return { source: index, found: await findInShards(dir, index) };
  throw new DataError(
    { file: dir },
    `no weights: expected ${singleName}, or shards with ${indexName} (other formats must be converted first)`,
  );
}

async function findInShards(dir: string, index: string): Promise<Map<string, FoundTensor>> {
  const json = await readJson(index);
  const map = isObject(json) ? json['weight_map'] : undefined;
  if (!isObject(map)) throw new DataError({ file: index }, 'expected an object "weight_map": tensor to file');
  const headers = new Map<string, Map<string, StoredTensor>>();
  const found = new Map<string, FoundTensor>();
  for (const [name, shard] of Object.entries(map)) {
    const file = join(dir, shardName(shard, name, index));
    const header = headers.get(file) ?? (await readSafetensorsHeader(file));
    headers.set(file, header);
    const tensor = header.get(name);
    if (tensor === undefined) {
      throw new DataError({ file }, `tensor "${name}" is missing, though ${indexName} says that it is here`);
    }
    found.set(name, { ...tensor, file });
  }
  return found;
}

/** Shards lie beside their index: a path that leads elsewhere is never followed. */
function shardName(shard: unknown, tensor: string, index: string): string {
  if (typeof shard === 'string' && /^[^/\\:]+\.safetensors$/.test(shard) && basename(shard) === shard)
    return shard;
  throw new DataError(
    { file: index },
    `"weight_map": tensor "${tensor}": expected the plain name of a .safetensors file beside the index, found ${JSON.stringify(shard)}`,
  );
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new DataError({ file }, 'cannot be read; expected a HuggingFace model folder with this file', {
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError({ file }, 'not valid JSON', { cause });
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw new DataError({ file }, 'cannot be read', { cause });
  }
}

function isWeightType(dtype: string): dtype is WeightType {
  return weightTypes.some((type) => type === dtype);
}
