import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { getHFHubCachePath, getRepoFolderName } from '@huggingface/hub';
import { DataError } from '../../pipeline/errors.js';
import type { HubModel } from './name.js';

/** What a stage needs of a model: nothing else is fetched. */
export type Part = 'tokenizer' | 'tokenizer and its settings' | 'weights';

const settingsFiles = ['tokenizer_config.json', 'special_tokens_map.json'];
const single = 'model.safetensors';
const index = 'model.safetensors.index.json';

/** The cache that HuggingFace's programs share: HF_HUB_CACHE, or the folder that HF_HOME says, or ~/.cache/huggingface/hub. */
export function cacheFolder(): string {
  return getHFHubCachePath();
}

/** Where the cache has a model: `blobs` by checksum, `snapshots/COMMIT` of links to them, `refs` from revision to commit. */
export function modelFolderIn(cache: string, { repo }: HubModel): string {
  return join(cache, getRepoFolderName({ type: 'model', name: repo }));
}

/** The commit that a revision was when it was last asked for; undefined where it never was. */
export async function cachedCommit(folder: string, { revision }: HubModel): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const commit = await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '');
  return isCommit(commit.trim()) ? commit.trim() : undefined;
}

/** Remembers what a revision is. */
export async function rememberCommit(folder: string, { revision }: HubModel, commit: string): Promise<void> {
  if (revision === commit) return;
  const file = join(folder, 'refs', revision);
  const aside = `${file}.${randomUUID()}`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(aside, commit);
  await rename(aside, file);
}

/**
 * Files of a part that a snapshot lacks, as far as they are known: shards are known once their index is there.
 * @param onHub whether the hub has a file; without it, what is there decides
 */
export async function missingFiles(
  snapshot: string,
  part: Part,
  onHub?: (name: string) => boolean,
): Promise<string[]> {
  const names = part === 'weights' ? ['config.json', ...(await weightFiles())] : tokenizerFiles();
  const there = await Promise.all(names.map((name) => isThere(name)));
  return names.filter((_, i) => !there[i]);

  /** Not every tokenizer has settings: while the hub is not asked, the newer of the two files stands for them. */
  function tokenizerFiles(): string[] {
    if (part === 'tokenizer') return ['tokenizer.json'];
    const settings = onHub ? settingsFiles.filter(onHub) : settingsFiles.slice(0, 1);
    return ['tokenizer.json', ...settings];
  }

  async function weightFiles(): Promise<string[]> {
    if (onHub?.(single) || (await isThere(single))) return [single];
    if (await isThere(index)) return await shardsOf(join(snapshot, index));
    return [onHub?.(index) ? index : single];
  }

  // A link whose blob is gone is not there.
  function isThere(name: string): Promise<boolean> {
    return stat(join(snapshot, name)).then(
      () => true,
      () => false,
    );
  }
}

async function shardsOf(file: string): Promise<string[]> {
  const wrong = (cause?: unknown) =>
    new DataError(
      { file },
      'expected an object "weight_map" from tensor to file; delete it to fetch it again',
      {
        cause,
      },
    );
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw wrong(cause);
  }
  const map = json !== null && typeof json === 'object' && 'weight_map' in json ? json.weight_map : undefined;
  if (map === null || typeof map !== 'object') throw wrong();
  return [...new Set(Object.values(map).map(String))].sort();
}

/** A commit's full name. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
