import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Memory } from '../component.js';
import { replaceDurably, syncFolder } from '../durable.js';
import { DataError, messageOf } from '../errors.js';
import { readValue, writeValue } from './memory-value.js';

/** What all stages leave for the next run. */
export interface StageMemories {
  /** @param stage an id; '' for the run itself */
  of(stage: string): Memory;
  /** Makes what was remembered since `openMemory` current, and all that was there before gone: in one step. */
  commit(): Promise<void>;
  /** Forgets what was remembered since `openMemory`; the run may begin anew. */
  discard(): Promise<void>;
}

/** Which version counts, and when it was made. */
interface Current {
  readonly version: string;
  readonly since: Date;
}

const versionName = /^[0-9a-f]{16}$/;
/** Versions, and files on their way to be `current`. */
const ours = /^([0-9a-f]{16}|\.current\.tmp-.*)$/;

/** Names the version that counts. It is replaced by renaming: at any moment it names the old one or the new one. */
const currentName = 'current';

/**
 * Opens a folder of values: `<version>/<hash of stage and name>`, and a file `current` that names the version. Only the
 * holder of the run's lock may: what no version owns is removed. Values that are damaged count as none.
 * @param note told of what is damaged
 * Errors: DataError where the folder cannot be read or written; the signal's reason.
 */
export async function openMemory(
  folder: string,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<StageMemories> {
  await explained(folder, mkdir(folder, { recursive: true }));
  const current = await readCurrent(folder, note);
  await sweep(folder, current);
  const version = randomBytes(8).toString('hex');
  const own = join(folder, version);
  return {
    of: (stage) => ({
      since: current?.since,
      recall: async (name) => {
        signal.throwIfAborted();
        if (!current) return undefined;
        const file = join(folder, current.version, fileName(stage, name));
        const value = await explained(file, readValue(file, { stage, name }));
        if (value !== 'damaged') return value;
        note(
          `${stage === '' ? '' : `${stage}: `}what the last run left as "${name}" is damaged (${file}): it counts as nothing`,
        );
        return undefined;
      },
      remember: async (name, value) => {
        signal.throwIfAborted();
        const file = join(own, fileName(stage, name));
        await explained(
          file,
          mkdir(own, { recursive: true }).then(() => writeValue(file, { stage, name }, value)),
        );
      },
    }),
    commit: async () => {
      await explained(folder, switchTo(folder, version));
      // What stays of the old version is removed when the folder is opened again.
      await sweep(folder, { version }).catch(() => undefined);
    },
    discard: () => explained(own, rm(own, { recursive: true, force: true })),
  };
}

async function switchTo(folder: string, version: string): Promise<void> {
  const own = join(folder, version);
  await mkdir(own, { recursive: true });
  await syncFolder(own);
  await syncFolder(folder);
  await replaceDurably(join(folder, currentName), `${JSON.stringify({ version, since: new Date() })}\n`);
}

async function readCurrent(folder: string, note: (text: string) => void): Promise<Current | undefined> {
  const file = join(folder, currentName);
  const text = await explained(file, orMissing(readFile(file, 'utf8')));
  if (text === undefined) return undefined;
  const current = parseCurrent(text);
  const there = current && (await explained(folder, readdir(folder))).includes(current.version);
  if (there) return current;
  note(`${file} is damaged: nothing is known of the last run, and nothing is compared with it`);
  return undefined;
}

function parseCurrent(text: string): Current | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('version' in value) || !('since' in value))
      return undefined;
    const since = new Date(String(value.since));
    const version = String(value.version);
    return versionName.test(version) && !Number.isNaN(since.getTime()) ? { version, since } : undefined;
  } catch {
    return undefined;
  }
}

/** Removes versions that do not count, and what a run that was killed left. */
async function sweep(folder: string, current: Pick<Current, 'version'> | undefined): Promise<void> {
  const entries = await explained(folder, readdir(folder));
  for (const entry of entries.filter((name) => ours.test(name)))
    if (entry !== current?.version)
      await explained(folder, rm(join(folder, entry), { recursive: true, force: true }));
}

/** Stages and names are any text: file systems take neither every character nor every length, nor tell case. */
function fileName(stage: string, name: string): string {
  return createHash('sha256')
    .update(JSON.stringify([stage, name]))
    .digest('hex')
    .slice(0, 32);
}

async function orMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  return await reading.catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  });
}

async function explained<T>(file: string, work: Promise<T>): Promise<T> {
  return await work.catch((cause: unknown) => {
    throw new DataError({ file }, `cannot hold what a run leaves for the next: ${messageOf(cause)}`, {
      cause,
    });
  });
}
