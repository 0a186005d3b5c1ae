import { basename, join } from 'node:path';
import { DataError } from '../../pipeline/errors.js';
import { isObject } from './config-values.js';
import { exists, noWeights } from './model-folder.js';
import { readModelJson } from './model-json.js';
import { readSafetensorsHeader, type SafetensorsHeader, type StoredTensor } from './safetensors.js';

const singleName = 'model.safetensors';
const indexName = 'model.safetensors.index.json';

export interface FoundTensor extends StoredTensor {
  /** As found in the checkpoint's folder. */
  readonly file: string;
}

/** Tensors of a folder, by the names that they are stored under. */
export interface WeightFiles {
  /** The single file, or the index. */
  readonly source: string;
  readonly found: ReadonlyMap<string, FoundTensor>;
  /** From metadata, whatever is written there: names of tensors that are stored under another one. */
  readonly aliases: ReadonlyMap<string, string>;
}

/**
 * Finds the tensors of a folder. A single file wins over an index, as in transformers.
 * @throws DataError where there is neither, or one is broken
 */
export async function findTensors(dir: string): Promise<WeightFiles> {
  const single = join(dir, singleName);
  if (await exists(single)) {
    const { tensors, metadata } = await readSafetensorsHeader(single);
    const found = new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, file: single }]));
    return { source: single, found, aliases: metadata };
  }
  const index = join(dir, indexName);
  if (await exists(index)) return await findInShards(dir, index);
  throw await noWeights(dir);
}

async function findInShards(dir: string, index: string): Promise<WeightFiles> {
  const json = await readModelJson(index);
  const map = isObject(json) ? json['weight_map'] : undefined;
  if (!isObject(map)) throw new DataError({ file: index }, 'expected an object "weight_map": tensor to file');
  const headers = new Map<string, SafetensorsHeader>();
  const found = new Map<string, FoundTensor>();
  for (const [name, shard] of Object.entries(map)) {
    const file = join(dir, shardName(shard, name, index));
    const header = headers.get(file) ?? (await readSafetensorsHeader(file));
    headers.set(file, header);
    const tensor = header.tensors.get(name);
    if (tensor === undefined) {
      throw new DataError({ file }, `tensor "${name}" is missing, though ${indexName} says that it is here`);
    }
    found.set(name, { ...tensor, file });
  }
  const metadata = isObject(json) && isObject(json['metadata']) ? Object.entries(json['metadata']) : [];
  const texts = metadata.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const inShards = [...headers.values()].flatMap((header) => [...header.metadata]);
  return { source: index, found, aliases: new Map([...inShards, ...texts]) };
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
