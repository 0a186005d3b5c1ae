import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, messageOf } from '../errors.js';
import { leads, sweepLeftovers } from '../leftovers.js';
import { sweepStore } from '../store/pieces.js';
import { cacheFolder, spillFolder, workFolder } from './folders.js';
import { acquireLock, type LockOptions } from './lock.js';

/** A state folder that is held by one run. */
export interface State {
  readonly dir: string;
  /** What costly stages have computed. */
  readonly work: string;
  /** What stages left for the next run. */
  readonly memory: string;
  /** Where the manifest of the last complete run is, too. */
  readonly manifest: string;
  quarantine(run: string): string;
  /** Errors: DataError where another run has taken the folder, or it is gone: nothing may be published then. */
  requireHeld(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Takes a state folder, made where it is missing, and removes what killed runs left in it. Errors: Locked where another
 * run has it; DataError where it cannot be written.
 */
export async function openState(dir: string, options: LockOptions): Promise<State> {
  try {
    await mkdir(join(dir, 'quarantine'), { recursive: true });
  } catch (cause) {
    throw new DataError({ file: dir }, `cannot hold the state of runs: ${messageOf(cause)}`, { cause });
  }
  const lock = await acquireLock(dir, options);
  try {
    await rm(spillFolder(dir), { recursive: true, force: true });
    await sweepStore(workFolder(dir));
    for (const folder of [dir, join(dir, 'runs'), cacheFolder(dir)])
      if (await leads(folder)) await sweepLeftovers(folder);
  } catch (cause) {
    await lock.release();
    throw new DataError({ file: dir }, `cannot be tidied: ${messageOf(cause)}`, { cause });
  }
  return {
    dir,
    work: workFolder(dir),
    memory: join(dir, 'memory'),
    manifest: join(dir, 'manifest.json'),
    quarantine: (run) => join(dir, 'quarantine', `${run}.jsonl`),
    requireHeld: async () => {
      const held = await lock.held().catch((cause: unknown) => {
        const message = `does not tell whether this run still holds it: ${messageOf(cause)}; nothing is published`;
        throw new DataError({ file: dir }, message, { cause });
      });
      if (held) return;
      const message =
        'is no longer held by this run: it was deleted, or another run took it; nothing is published';
      throw new DataError({ file: dir }, message);
    },
    close: () => lock.release(),
  };
}
