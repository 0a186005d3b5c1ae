import type { FoundTensor, WeightFiles } from './weight-files.js';
import { embeddingName, ownHeadName } from './weights.js';

/** Tensors by the names that transformers' models have for them. */
export interface NamedTensors {
  readonly found: ReadonlyMap<string, FoundTensor>;
  /** Whether the head is stored beside the embedding. */
  readonly ownHead: boolean;
  /** What stands before the names, where they are not those of a model by itself. */
  readonly wrongPrefix: string | undefined;
}

const bare = 'model.';

/**
 * Names the tensors of a checkpoint. A bare body has no `model.` in front. Tensors of several names are stored under one:
 * the others are in the metadata, as safetensors' `save_model` and huggingface_hub write it, or follow from a tied head.
 * @param tied whether config.json says that head and embedding are one
 */
export function nameTensors({ found: stored, aliases }: WeightFiles, tied: boolean): NamedTensors {
  const isBare = !stored.has(embeddingName) && stored.has(embeddingName.slice(bare.length));
  const nameOf = (name: string) => (isBare && name !== ownHeadName ? bare + name : name);
  const found = new Map([...stored].map(([name, tensor]) => [nameOf(name), tensor]));
  const ownHead = found.has(ownHeadName) && found.has(embeddingName);
  for (const [alias, kept] of aliases) addName(found, nameOf(alias), nameOf(kept));
  if (tied) addName(found, embeddingName, ownHeadName);
  return { found, ownHead, wrongPrefix: found.has(embeddingName) ? undefined : prefixIn(stored.keys()) };
}

function addName(found: Map<string, FoundTensor>, alias: string, kept: string): void {
  const tensor = found.get(kept);
  if (tensor !== undefined && !found.has(alias)) found.set(alias, tensor);
}

/** What stands before the embedding's name: `language_model.`, `module.`, `base_model.model.` and the like. */
function prefixIn(names: Iterable<string>): string | undefined {
  for (const name of names)
    if (name.endsWith(`.${embeddingName}`)) return name.slice(0, -embeddingName.length);
  return undefined;
}
