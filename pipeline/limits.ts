import { lstat, readdir, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { NagError } from './errors.js';
import { stagingFolders } from './leftovers.js';
import { duration } from './progress.js';

/** Bytes, bytes, seconds; undefined: no limit. */
export interface Limits {
  readonly memory: number | undefined;
  readonly disk: number | undefined;
  readonly time: number | undefined;
}

/** What limits are measured with. */
export interface Meters {
  /** Bytes that the process holds, with those of the model's threads. */
  memory(): number;
  /** Bytes that the machine, or the container, has. */
  machineMemory(): number;
  /** Bytes of all files under a folder; 0 where it is not there. */
  used(folder: string): Promise<number>;
  /** Bytes that can be written to a folder's file system. */
  free(folder: string): Promise<number>;
  /** Seconds, by a clock that never jumps. */
  seconds(): number;
  /** Calls again and again. @returns what ends that */
  every(seconds: number, check: () => void): () => void;
}

export interface LimitOptions {
  /** Whose bytes count, however they came there: the state folder, that of temporary files. */
  readonly folders: readonly string[];
  /** Final paths of outputs: what is being written beside them counts. */
  readonly outputs?: readonly string[];
  /** Told once, with a LimitExceeded or what went wrong in measuring. */
  fail(reason: Error): void;
  /** Told beforehand of limits that the machine cannot give. */
  note?(text: string): void;
  readonly meters?: Meters;
}

/** A run used more than its configuration allows. */
export class LimitExceeded extends NagError {
  override readonly name = 'LimitExceeded';
}

/** Checks of the clock and of memory are a second apart; of the disk, so many of them. */
const diskEvery = 10;

/**
 * Watches what the process uses until it is told to stop; time counts from the call.
 * @throws LimitExceeded where a limit is exceeded already
 */
export async function watchLimits(limits: Limits, options: LimitOptions): Promise<{ stop(): void }> {
  const { fail, meters = processMeters } = options;
  const start = meters.seconds();
  const checkNow = () => {
    checkMemory(limits, meters);
    checkTime(limits, meters.seconds() - start);
  };
  const checkDisk = async () => {
    if (limits.disk !== undefined) requireDisk(limits.disk, await usedBy(options, meters));
  };
  checkNow();
  await checkDisk();
  await tellOfMachine(limits, options, meters);
  let [ticks, measuring, stopped] = [0, false, false];
  const failOnce = (reason: unknown) => {
    if (!stopped) fail(reason instanceof Error ? reason : new NagError(String(reason)));
    stop();
  };
  const tick = () => {
    try {
      checkNow();
    } catch (reason) {
      return failOnce(reason);
    }
    if (++ticks % diskEvery !== 0 || measuring) return;
    measuring = true;
    checkDisk()
      .catch(failOnce)
      .finally(() => {
        measuring = false;
      });
  };
  const { memory, disk, time } = limits;
  const end = [memory, disk, time].every((limit) => limit === undefined)
    ? () => undefined
    : meters.every(1, tick);
  const stop = () => {
    stopped = true;
    end();
  };
  return { stop };
}

function checkMemory({ memory }: Limits, meters: Meters): void {
  if (memory === undefined) return;
  const used = meters.memory();
  if (used <= memory) return;
  throw new LimitExceeded(
    `the run takes ${bytes(used)} of memory, more than limits.memory (${bytes(memory)}): raise the limit, or lower batch_tokens, window or threads of the stages that run a model`,
  );
}

function checkTime({ time }: Limits, seconds: number): void {
  if (time === undefined || seconds <= time) return;
  throw new LimitExceeded(
    `the run takes longer than limits.time (${duration(time)}): raise the limit, or give it less to read; with a state_dir the next run continues from what is kept`,
  );
}

function requireDisk(disk: number, used: number): void {
  if (used <= disk) return;
  throw new LimitExceeded(
    `state, temporary files and unfinished outputs take ${bytes(used)} of disk, more than limits.disk (${bytes(disk)}): raise the limit, or remove what state_dir keeps and is no longer wanted`,
  );
}

async function usedBy({ folders, outputs = [] }: LimitOptions, meters: Meters): Promise<number> {
  const staging = await Promise.all(outputs.map(stagingFolders));
  let sum = 0;
  for (const folder of outermost([...folders, ...staging.flat()])) sum += await meters.used(folder);
  return sum;
}

/** Folders that lie in no other of them, each once. */
function outermost(folders: readonly string[]): string[] {
  const paths = [...new Set(folders.map((folder) => resolve(folder)))];
  const inside = (path: string, other: string) =>
    path !== other && !/^(\.\.(\/|\\|$)|\/|[A-Za-z]:)/.test(relative(other, path));
  return paths.filter((path) => !paths.some((other) => inside(path, other)));
}

async function tellOfMachine({ memory, disk }: Limits, options: LimitOptions, meters: Meters): Promise<void> {
  const has = meters.machineMemory();
  if (memory !== undefined && has < memory)
    options.note?.(
      `limits.memory is ${bytes(memory)}, and there are ${bytes(has)} in all: the system may end the run first`,
    );
  if (disk === undefined) return;
  const left = disk - (await usedBy(options, meters));
  for (const folder of options.folders) {
    const free = await meters.free(folder);
    if (free < left)
      options.note?.(
        `limits.disk leaves ${bytes(left)}, and ${folder} has ${bytes(free)} free: the disk may be full first`,
      );
  }
}

/** `1.5 GB` */
function bytes(value: number): string {
  const [unit, size] = value >= 1e9 ? ['GB', 1e9] : value >= 1e6 ? ['MB', 1e6] : ['KB', 1e3];
  return `${(value / size).toFixed(1)} ${unit}`;
}

const processMeters: Meters = {
  memory: () => process.memoryUsage.rss(),
  machineMemory: () => Math.min(totalmem(), process.constrainedMemory() || Infinity),
  used: bytesUnder,
  free: async (folder) => {
    const { bavail, bsize } = await statfs(folder).catch(() => ({ bavail: Infinity, bsize: 1 }));
    return bavail * bsize;
  },
  seconds: () => performance.now() / 1000,
  every: (seconds, check) => {
    const timer = setInterval(check, seconds * 1000).unref();
    return () => clearInterval(timer);
  },
};

/** Bytes of all files under a folder. What vanishes meanwhile, or cannot be looked at, counts nothing. */
async function bytesUnder(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sum += await bytesUnder(path);
    else sum += (await lstat(path).catch(() => undefined))?.size ?? 0;
  }
  return sum;
}
