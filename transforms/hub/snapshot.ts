import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { downloadFile, HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { DataError, isDiskFull, messageOf, NagError } from '../../pipeline/errors.js';
import { adapterFault } from '../model-files/adapter.js';
import {
  cachedCommit,
  cacheFolder,
  isCommit,
  missingFiles,
  modelFolderIn,
  type Part,
  rememberCommit,
} from './cache.js';
import { download, type RemoteFile } from './download.js';
import type { HubModel } from './name.js';

/** What a fetch tells while it runs. */
export interface Watcher {
  readonly signal: AbortSignal;
  /** What is being done now; undefined when it is over. */
  doing(text: string | undefined): void;
  note(text: string): void;
}

/**
 * The commit that a model's revision stands for: what the cache remembers, otherwise what the hub says, which is then
 * remembered. So a branch does not move under runs that have begun with it; delete it from the cache to follow it.
 * @throws NagError where neither knows
 */
export async function findCommit(model: HubModel, watcher: Watcher): Promise<string> {
  const folder = modelFolderIn(cacheFolder(), model);
  const known = await cachedCommit(folder, model);
  if (known !== undefined) return known;
  return await online(model, watcher, async (hub) => {
    const { repo, revision } = model;
    watcher.doing(`asking the hub for ${repo}`);
    const { sha } = await modelInfo({ name: repo, revision, additionalFields: ['sha'], ...hub });
    if (!isCommit(sha)) throw new Error(`expected a commit, found ${JSON.stringify(sha)}`);
    await rememberCommit(folder, model, sha);
    return sha;
  });
}

/**
 * A folder with a part of a model: from HuggingFace's cache, without network, where all of it is there; otherwise from
 * the hub, into the cache. Environment: HF_HUB_CACHE, HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE.
 * @throws NagError that says what is missing, where it was looked for, and what to do
 */
export async function openSnapshot(
  model: HubModel,
  commit: string,
  part: Part,
  watcher: Watcher,
): Promise<string> {
  const folder = modelFolderIn(cacheFolder(), model);
  const snapshot = join(folder, 'snapshots', commit);
  if ((await missingFiles(snapshot, part)).length === 0) return snapshot;
  return await online(model, watcher, async (hub) => {
    watcher.doing(`asking the hub for ${model.repo}`);
    const files = await filesOf(model, commit, hub);
    if (part === 'weights' && files.has('adapter_config.json'))
      throw new NagError(`${written(model)}: ${adapterFault('')}`);
    const missing = () => missingFiles(snapshot, part, (name) => files.has(name));
    const fetchFile = async (name: string, place: string) => {
      const file = files.get(name);
      if (!file) throw new NagError(`${written(model)}: the hub's folder has no ${name}: ${formats}`);
      const onBytes = shower(`fetching ${model.repo}/${name}${place}`, file.bytes, watcher);
      const open = () => openFile(model, name, commit, hub);
      await download(file, folder, snapshot, { open, onBytes, signal: watcher.signal });
    };
    // Twice where there is an index: it tells the shards.
    for (let names = await missing(); names.length > 0; names = await missing()) {
      for (const [i, name] of names.entries())
        await fetchFile(name, names.length > 1 ? ` (${i + 1} of ${names.length})` : '');
    }
    watcher.note(`fetched ${model.repo} (${part}, commit ${commit}) into ${cacheFolder()}`);
    return snapshot;
  });
}

const formats = 'models need config.json, tokenizer.json and .safetensors; others must be converted first';

/** Does what needs the hub, and explains what fails. */
async function online<T>(
  model: HubModel,
  watcher: Watcher,
  work: (hub: Connection) => Promise<T>,
): Promise<T> {
  if (isOffline())
    throw new NagError(`${written(model)}: HF_HUB_OFFLINE is set. ${lookedIn(model)}. ${advice(model)}`);
  try {
    return await work(connection(watcher.signal));
  } catch (error) {
    watcher.signal.throwIfAborted();
    throw error instanceof NagError && !(error instanceof DataError) ? error : hubError(model, error);
  } finally {
    watcher.doing(undefined);
  }
}

interface Connection {
  readonly hubUrl?: string;
  readonly accessToken?: string;
  readonly fetch: typeof fetch;
}

function connection(signal: AbortSignal): Connection {
  const { HF_ENDPOINT: endpoint, HF_TOKEN: token } = process.env;
  return {
    ...(endpoint ? { hubUrl: endpoint.replace(/\/+$/, '') } : {}),
    ...(token ? { accessToken: token.trim() } : {}),
    fetch: (input, init) => fetch(input, { ...init, signal }),
  };
}

/** The files of the top folder whose names are plain. */
async function filesOf({ repo }: HubModel, revision: string, hub: Connection) {
  const files = new Map<string, RemoteFile>();
  for await (const { type, path: name, size, oid, lfs, xetHash } of listFiles({ repo, revision, ...hub })) {
    const etag = lfs?.oid ?? xetHash ?? oid;
    if (type !== 'file' || etag === undefined || !/^\w[\w.-]*$/.test(name) || !/^\w+$/.test(etag)) continue;
    const git = xetHash === undefined && oid !== undefined ? ({ kind: 'git', hex: oid } as const) : undefined;
    const checksum = lfs ? ({ kind: 'sha256', hex: lfs.oid } as const) : git;
    files.set(name, { name, bytes: lfs?.size ?? size, etag, checksum });
  }
  return files;
}

/** Plain requests for byte ranges: they can be taken up anywhere. */
async function openFile({ repo }: HubModel, path: string, revision: string, hub: Connection): Promise<Blob> {
  const blob = await downloadFile({ repo, path, revision, xet: false, ...hub });
  if (blob) return blob;
  throw new Error(`${path} is listed but cannot be read`);
}

/** `fetching Qwen/Qwen3-0.6B-Base/model.safetensors: 310 of 1,192 MB, 26 %` */
function shower(what: string, bytes: number, { doing }: Watcher): (done: number) => void {
  const mega = (value: number) =>
    (value / 1e6).toLocaleString('en-US', { maximumFractionDigits: bytes < 1e7 ? 1 : 0 });
  doing(what);
  return (done) =>
    doing(`${what}: ${mega(done)} of ${mega(bytes)} MB, ${Math.floor((100 * done) / bytes)} %`);
}

function hubError(model: HubModel, cause: unknown): NagError {
  if (isDiskFull(cause))
    return new DataError({ file: cacheFolder() }, 'the disk is full: make room, or set HF_HUB_CACHE', {
      cause,
    });
  return new NagError(reasonOf(model, cause), { cause });
}

function reasonOf(model: HubModel, cause: unknown): string {
  const status = cause instanceof HubApiError ? cause.statusCode : undefined;
  const token = process.env['HF_TOKEN'] ? 'the token in HF_TOKEN may not read it' : 'HF_TOKEN is not set';
  if (status === 401 || status === 403)
    return `${written(model)}: the hub refuses it (${status}): it is gated, private or not there, and ${token}. ${lookedIn(model)}. Check the name, accept the model's terms on its page and set HF_TOKEN to a token that may read it, or give the path of a local folder`;
  if (status === 404)
    return `${written(model)}: the hub has no such model or revision (404). ${lookedIn(model)}. Check the name, or give the path of a local folder`;
  if (cause instanceof DataError) return `${written(model)}: ${cause.message}`;
  return `${written(model)}: it could not be fetched: ${rootMessage(cause)}. ${lookedIn(model)}. What came is kept: run again to go on. ${advice(model)}`;
}

/** `fetch failed` says nothing; what caused it does. */
function rootMessage(cause: unknown): string {
  const inner = cause instanceof Error ? cause.cause : undefined;
  return inner instanceof Error ? `${messageOf(cause)} (${rootMessage(inner)})` : messageOf(cause);
}

function lookedIn({ repo }: HubModel): string {
  const other = [repo, basename(repo)].map((name) => resolve(name)).find((folder) => existsSync(folder));
  const also = other === undefined ? '' : `; there is also a folder ${other}: give its path to use it`;
  return `There is no such folder beside the configuration, and the cache ${cacheFolder()} does not have all of it${also}`;
}

function advice({ repo, revision }: HubModel): string {
  const flag = revision === 'main' ? '' : ` --revision ${revision}`;
  return `Where there is network, "hf download ${repo}${flag}" fills the cache; or give the path of a local folder`;
}

function written({ repo, revision }: HubModel): string {
  return revision === 'main' ? repo : `${repo}@${revision}`;
}

/** As HuggingFace's programs read it. */
function isOffline(): boolean {
  return /^(1|on|yes|true)$/i.test(process.env['HF_HUB_OFFLINE'] ?? '');
}
