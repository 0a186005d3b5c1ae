import { type Context, path } from '../pipeline/component.js';
import type { Part } from './hub/cache.js';
import { hubPattern, parseHubName } from './hub/name.js';

/** An option that names a model: a folder, or where there is none, `owner/name` or `owner/name@revision` on the hub. */
export function modelPath() {
  return path({ orName: hubPattern, role: 'reads', files: modelFiles });
}

/** Files of a model's folder that are read. */
const modelFiles =
  '^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|vocab)\\.json$|\\.safetensors(\\.index\\.json)?$';

/** Whether a model would have to be fetched: nothing is known of it before. */
export function isOnHub(model: string): boolean {
  return parseHubName(model) !== undefined;
}

/**
 * What to know beforehand of a model that is named as one of the hub is, a line, where the cache does not have it: a
 * misspelt folder such as `models/Qwen3` is a name on the hub too. Nothing is fetched.
 */
export async function fetchRemark(model: string): Promise<string[]> {
  const hub = parseHubName(model);
  if (hub === undefined) return [];
  const { cachedCommit, cacheFolder, modelFolderIn } = await import('./hub/cache.js');
  const known = await cachedCommit(modelFolderIn(cacheFolder(), hub), hub);
  return known === undefined
    ? [`note: ${model} is no folder, and not in the cache of models: a run fetches it from the hub`]
    : [];
}

/**
 * The folder of a model that an option names; what is on the hub is fetched first, once for all stages. Outputs say
 * which commit it was: `nag.model_source` and `nag.tokenizer_source`.
 * @throws NagError where it can be had from nowhere
 */
export async function openModelFolder(model: string, part: Part, context: Context): Promise<string> {
  const hub = parseHubName(model);
  if (hub === undefined) return model;
  // Loaded only when it is wanted.
  const { findCommit, openSnapshot } = await import('./hub/snapshot.js');
  const close = () => undefined;
  const { commit } = await context.resource(`hub ${model}`, async () => ({
    commit: await findCommit(hub, context),
    close,
  }));
  const { folder } = await context.resource(`hub ${part} ${model}`, async () => ({
    folder: await openSnapshot(hub, commit, part, context),
    close,
  }));
  const source = part === 'weights' ? 'nag.model_source' : 'nag.tokenizer_source';
  context.provenance.set(source, `${hub.repo}@${commit}`);
  return folder;
}
