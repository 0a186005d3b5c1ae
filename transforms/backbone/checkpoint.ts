import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../pipeline/errors.js';
import { parseArchitecture } from './architecture.js';
import { refuseAdapter } from './model-folder.js';
import { readModelJson } from './model-json.js';
import { type NamedTensors, nameTensors } from './tensor-names.js';
import type { Architecture, Checkpoint, Tensor, WeightType } from './types.js';
import { weightTypes } from './types.js';
import { findTensors } from './weight-files.js';
import { bodyWeights, type WeightSpec } from './weights.js';

export type { Checkpoint, Tensor } from './types.js';

/**
 * Opens a HuggingFace model folder: config.json with model.safetensors, or with shards and their index. Reads headers
 * only, and checks that every tensor of the body, or whichever are asked for, is there in its shape. Folders of symbolic
 * links (HuggingFace's cache) work.
 * @throws DataError for anything missing, broken or unsupported, naming the file and what is expected
 */
export async function openCheckpoint(
  dir: string,
  needed: (architecture: Architecture) => readonly WeightSpec[] = bodyWeights,
): Promise<Checkpoint> {
  await refuseAdapter(dir);
  const configFile = join(dir, 'config.json');
  const parsed = parseArchitecture(await readModelJson(configFile), configFile);
  const stored = await findTensors(dir);
  const { found, ownHead, wrongPrefix } = nameTensors(stored, parsed.tiedHead);
  // As in transformers: a head of its own is the head, whatever config.json says.
  const architecture = { ...parsed, tiedHead: parsed.tiedHead && !ownHead };
  for (const spec of needed(architecture)) checkTensor(spec, found, stored.source, wrongPrefix);
  const realFiles = new Map<string, string>();
  for (const { file } of found.values()) {
    if (!realFiles.has(file)) realFiles.set(file, await realpath(file));
  }
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of found) {
    const { dtype, file } = tensor;
    if (isWeightType(dtype))
      tensors.set(name, { ...tensor, dtype, name, realFile: realFiles.get(file) ?? file });
  }
  return { dir, architecture, tensors, files: realFiles };
}

/** The architecture that a folder's config.json describes; undefined where there is none that can be used. */
export async function findArchitecture(dir: string): Promise<Architecture | undefined> {
  const file = join(dir, 'config.json');
  try {
    return parseArchitecture(await readModelJson(file), file);
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

function checkTensor(
  { name, shape }: WeightSpec,
  tensors: NamedTensors['found'],
  source: string,
  wrongPrefix: string | undefined,
): void {
  const expected = `[${shape.join(', ')}]`;
  const found = tensors.get(name);
  if (found === undefined) {
    const hint =
      wrongPrefix === undefined
        ? ''
        : `; names in this checkpoint start with "${wrongPrefix}": it is wrapped, or part of another model; save the language model by itself`;
    throw new DataError({ file: source }, `tensor "${name}" of shape ${expected} is missing${hint}`);
  }
  if (!isWeightType(found.dtype)) {
    const types = weightTypes.join(', ');
    throw new DataError(
      { file: found.file },
      `tensor "${name}": expected dtype ${types}, found ${found.dtype}; save the model in one of these`,
    );
  }
  if (found.shape.length === shape.length && found.shape.every((extent, i) => extent === shape[i])) return;
  throw new DataError(
    { file: found.file },
    `tensor "${name}": config.json asks for shape ${expected}, found [${found.shape.join(', ')}]`,
  );
}

function isWeightType(dtype: string): dtype is WeightType {
  return weightTypes.some((type) => type === dtype);
}
