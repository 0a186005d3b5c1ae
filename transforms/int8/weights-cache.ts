import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Context } from '../../pipeline/component.js';
import { syncFolder } from '../../pipeline/durable.js';
import { DataError, isDiskFull, messageOf, NagError } from '../../pipeline/errors.js';
import { fileChunks } from '../../pipeline/file-chunks.js';
import { besides } from '../../pipeline/leftovers.js';
import { exactInt8Type } from '../backbone/int8-type.js';
import { type Int8Type, int8Version, writeInt8Weights } from '../backbone/int8-weights.js';
import type { Checkpoint } from '../backbone/types.js';

/** Where and for whom int8 weights are looked for, or made. */
export interface Wanted {
  readonly checkpoint: Checkpoint;
  /** Of the checkpoint's own weights. */
  readonly fingerprint: string;
  readonly folder: string;
}

/**
 * The file of a model's int8 weights, `<fingerprint>.int8-1.<type>.<CRC-32>.safetensors`: what the folder has, where every
 * byte of it is as it was written, and otherwise made. It takes its name when it is whole and on disk.
 * @throws DataError where the folder cannot be written; the signal's reason when it is aborted
 */
export async function openInt8Weights(
  wanted: Wanted,
  context: Pick<Context, 'note' | 'doing' | 'signal'>,
): Promise<string> {
  const type = await exactInt8Type();
  const { folder } = wanted;
  await explained(folder, mkdir(folder, { recursive: true }));
  const prefix = `${wanted.fingerprint.slice(0, 32)}.`;
  const known = await explained(folder, readdir(folder));
  for (const name of known.filter((name) => name.startsWith(prefix) && name.endsWith('.safetensors'))) {
    const [, version, stored, crc] = /^\w+\.([\w-]+)\.(\w+)\.([0-9a-f]{8})\.safetensors$/.exec(name) ?? [];
    // Another kind of processor may use the same folder.
    if (version === int8Version && stored !== type) continue;
    const file = join(folder, name);
    context.doing('int8 weights are checked');
    const fault = version !== int8Version ? 'of another version' : await faultOf(file, crc, context.signal);
    context.doing(undefined);
    if (fault === undefined) return file;
    context.note(`the int8 weights in ${file} are ${fault}: they are made again`);
    await explained(folder, rm(file, { force: true }));
  }
  context.doing('int8 weights are made');
  try {
    return await make(wanted, type, context.signal);
  } finally {
    context.doing(undefined);
  }
}

async function make({ checkpoint, fingerprint, folder }: Wanted, type: Int8Type, signal: AbortSignal) {
  const start = `${fingerprint.slice(0, 32)}.${int8Version}.${type}`;
  const temporary = besides(join(folder, start), 'tmp');
  try {
    await explained(folder, writeInt8Weights(checkpoint, temporary, type, signal));
    const file = join(folder, `${start}.${await checksum(temporary, signal)}.safetensors`);
    await explained(folder, rename(temporary, file));
    await explained(folder, syncFolder(folder));
    return file;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    signal.throwIfAborted();
    throw error;
  }
}

async function faultOf(file: string, crc: string | undefined, signal: AbortSignal) {
  try {
    return (await checksum(file, signal)) === crc ? undefined : 'damaged';
  } catch (error) {
    signal.throwIfAborted();
    return `not readable (${messageOf(error)})`;
  }
}

async function checksum(file: string, signal: AbortSignal): Promise<string> {
  let crc = 0;
  for await (const chunk of fileChunks(file, signal)) crc = crc32(chunk, crc);
  return crc.toString(16).padStart(8, '0');
}

/** What is wrong with the model says so itself. */
async function explained<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof NagError || !(cause instanceof Error && 'code' in cause)) throw cause;
    const what = isDiskFull(cause) ? 'the disk is full' : messageOf(cause);
    throw new DataError({ file: folder }, `int8 weights cannot be kept here: ${what}`, { cause });
  }
}
