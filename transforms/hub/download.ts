import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, open as openFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { HubApiError } from '@huggingface/hub';
import { DataError } from '../../pipeline/errors.js';

/** A file of a model as the hub lists it. */
export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
  /** The name of its blob in the cache. */
  readonly etag: string;
  /** The checksum of its bytes; git's is SHA-1 over a header and them. Undefined where the hub tells none. */
  readonly checksum: { readonly kind: 'sha256' | 'git'; readonly hex: string } | undefined;
}

export interface Download {
  /** The file's content, not fetched before it is read; `slice` fetches a part. */
  open(): Promise<Blob>;
  /** Told of the bytes that are there. */
  onBytes(bytes: number): void;
  readonly signal: AbortSignal;
}

/** How often it is tried again in a row while nothing comes. */
const mostRetries = 4;
const waitMs = 500;

/**
 * Brings a file into a model's folder of the cache, from where an earlier attempt ended, and shows it in a snapshot
 * once its size and checksum are right. Others may fetch the same file at the same time: all write the same bytes at the same places.
 * @throws DataError where what came is not what the hub promised; what the client throws otherwise
 */
export async function download(
  file: RemoteFile,
  folder: string,
  snapshot: string,
  task: Download,
): Promise<void> {
  const blob = join(folder, 'blobs', file.etag);
  await mkdir(dirname(blob), { recursive: true });
  await mkdir(snapshot, { recursive: true });
  if ((await sizeOf(blob)) !== file.bytes) await fetchBlob(file, blob, task);
  await link(blob, join(snapshot, file.name));
}

async function fetchBlob(file: RemoteFile, blob: string, task: Download): Promise<void> {
  const partial = `${blob}.incomplete`;
  const before = (await sizeOf(partial)) ?? 0;
  const came = await fetchRest(file, blob, partial, task);
  const problem = await difference(file, partial, came, task.signal);
  if (problem === undefined) await rename(partial, blob).catch(() => undefined);
  const whole = (await sizeOf(blob)) === file.bytes;
  await rm(partial, { force: true });
  // Whole it is also where another process was as fast.
  if (whole) return;
  // What an earlier attempt left may have been spoilt; what came just now has no such excuse.
  if (before > 0 || problem === gone) return await fetchBlob(file, blob, task);
  const what = problem ?? 'it cannot be put into the cache';
  throw new DataError({ file: file.name }, `${what}; it was thrown away: run again to fetch it again`);
}

/**
 * Fetches what is missing at a file's end; a connection that breaks is taken up where it broke.
 * @returns the bytes that have come in all, with those that were there
 */
async function fetchRest(file: RemoteFile, blob: string, partial: string, task: Download): Promise<number> {
  for (let retries = 0, had = -1; (await sizeOf(blob)) !== file.bytes; retries++) {
    const have = (await sizeOf(partial)) ?? 0;
    if (have >= file.bytes) return have;
    if (have > had) retries = 0;
    had = have;
    try {
      return await fetchFrom(have, partial, task);
    } catch (error) {
      task.signal.throwIfAborted();
      if (isFinal(error) || retries >= mostRetries) throw error;
      await setTimeout(waitMs * 2 ** retries, undefined, { signal: task.signal });
    }
  }
  return file.bytes;
}

async function fetchFrom(
  start: number,
  partial: string,
  { open, onBytes, signal }: Download,
): Promise<number> {
  let at = start;
  const blob = await open();
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      yield chunk;
      at += chunk.length;
      onBytes(at);
    }
  };
  // Where it is gone by now, nothing may be written behind bytes that are not there.
  if (start === 0) await (await openFile(partial, 'a')).close();
  const file = createWriteStream(partial, { flags: 'r+', start, flush: true });
  await pipeline(blob.slice(start).stream(), counted, file, { signal });
  return at;
}

/** Answers that another attempt does not change, and faults of the own disk. */
function isFinal(error: unknown): boolean {
  if (error instanceof HubApiError) return error.statusCode < 500 && error.statusCode !== 429;
  return (
    error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT', 'EACCES'].includes(String(error.code))
  );
}

const gone = 'another process has finished it, or thrown it away';

/**
 * How a file differs from what the hub promised.
 * @param came bytes that have come; where they are not there, another process has begun anew
 */
async function difference(
  file: RemoteFile,
  partial: string,
  came: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const bytes = await sizeOf(partial);
  if (bytes === undefined || (came === file.bytes && bytes < came)) return gone;
  if (bytes !== file.bytes) return `expected ${file.bytes} bytes, ${bytes} came`;
  if (file.checksum === undefined) return undefined;
  const { kind, hex } = file.checksum;
  const hash = createHash(kind === 'git' ? 'sha1' : kind);
  if (kind === 'git') hash.update(`blob ${file.bytes}\0`);
  try {
    await pipeline(createReadStream(partial, { highWaterMark: 1 << 20 }), hash, { signal });
  } catch (error) {
    if (isMissing(error)) return gone;
    throw error;
  }
  const found: unknown = hash.digest('hex');
  return found === hex ? undefined : `its checksum is ${String(found)}, the hub says ${hex}`;
}

/** Shows a blob under a name; whoever reads the name meanwhile finds it. */
async function link(blob: string, name: string): Promise<void> {
  const target = relative(dirname(name), blob);
  if ((await readlink(name).catch(() => undefined)) === target) return;
  const aside = `${name}.${randomUUID()}`;
  // Some systems have no links for everybody.
  await symlink(target, aside).catch(() => copyFile(blob, aside));
  await rename(aside, name);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function sizeOf(file: string): Promise<number | undefined> {
  return await stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}
