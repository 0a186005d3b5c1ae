import { link, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, NagError, refusalText } from '../errors.js';
import { pause } from '../retry.js';
import { type Holder, lifeOf, ownHolder, parseHolder } from './holder.js';

export interface LockOptions {
  /** Of the run, for the messages of others. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** What to do where another run holds the lock; `skip` fails too, quietly. */
  readonly ifRunning: 'fail' | 'wait' | 'skip';
  /** Told once, when the wait begins. */
  onWait?(running: Running): void;
  readonly times?: LockTimes;
}

/** In seconds. */
export interface LockTimes {
  /** Between two touches of a lock by its holder. */
  readonly beat: number;
  /** A lock whose holder cannot be seen, and that was not touched for so long, is watched: it may be left over. */
  readonly stale: number;
  /** Between two looks while waiting. */
  readonly poll: number;
}

export interface Lock {
  /** False where the lock was lost: its folder was removed, or the process stood still for so long that it seemed dead. */
  held(): Promise<boolean>;
  /** Frees the lock; never fails, as the lock of an ended process is free anyway. */
  release(): Promise<void>;
}

/** A run under way. */
export interface Running {
  /** Undefined where the lock file is damaged. */
  readonly holder: Holder | undefined;
  /** Whether its process can be seen from here. */
  readonly seen: boolean;
  readonly file: string;
}

/** Another run holds the lock. */
export class Locked extends NagError {
  override readonly name = 'Locked';
  override readonly exitCode = 3;

  constructor(
    readonly running: Running,
    override readonly quiet: boolean,
  ) {
    const rest = 'wait for it, stop it, or set if_running to wait or skip';
    super(`${runningText(running)}: ${rest}`);
  }
}

const usualTimes: LockTimes = { beat: 5, stale: 60, poll: 1 };

/**
 * Takes the lock of a folder. Lock files are numbered, made complete and at once, and the highest is the lock: who makes
 * the next number first has it. The highest is never removed, so no number comes twice.
 * @throws Locked; DataError where the folder is missing or cannot be written; what the signal is aborted with
 */
export async function acquireLock(folder: string, options: LockOptions): Promise<Lock> {
  const { signal, ifRunning, times = usualTimes } = options;
  const own = await ownHolder(options.name);
  const place: Place = { folder, own, times, signal };
  for (let told = false; ; ) {
    signal.throwIfAborted();
    const found = await attempt(place).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw cannotLock(folder, cause);
    });
    if (found === 'overtaken') {
      await pause(times.poll / 20, signal);
      continue;
    }
    if ('held' in found) return found;
    if (ifRunning !== 'wait') throw new Locked(found, ifRunning === 'skip');
    if (!told) options.onWait?.(found);
    told = true;
    await pause(times.poll, signal);
  }
}

/** `"nightly" is running, as process 17 on host-a since 2026-11-24T02:00:00.000Z (it holds state/lock.3)` */
export function runningText({ holder, seen, file }: Running): string {
  if (holder === undefined)
    return `the lock file ${file} is damaged: whoever holds it cannot be told, and it counts until it has not been touched for a minute`;
  const { name, pid, host, startedAt } = holder;
  const far = seen ? '' : '; from here it cannot be seen, and counts as ended a minute after its last sign';
  return `"${name}" is running, as process ${pid} on ${host} since ${startedAt} (it holds ${file}${far})`;
}

interface Place {
  readonly folder: string;
  readonly own: Holder;
  readonly times: LockTimes;
  readonly signal: AbortSignal;
}

async function attempt(place: Place): Promise<Lock | Running | 'overtaken'> {
  const { folder } = place;
  const last = (await generations(folder)).at(-1) ?? 0;
  if (last > 0) {
    const running = await runningIn(fileOf(folder, last), place);
    if (running !== 'free') return running;
  }
  const own = last + 1;
  if (!(await create(own, place))) return 'overtaken';
  const lock = await hold(own, place);
  // A number that was free may be an old one, removed since it was looked for: then there is a higher one.
  const won = await lock.held().catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  if (won) {
    await sweep(folder, own);
    return lock;
  }
  await lock.release();
  await rm(fileOf(folder, own), { force: true });
  return 'overtaken';
}

async function runningIn(file: string, place: Place): Promise<Running | 'free' | 'overtaken'> {
  const before = await readLock(file);
  if (before === undefined) return 'overtaken';
  if (before.text === free) return 'free';
  const holder = parseHolder(before.text);
  const life = holder ? await lifeOf(holder, place.own) : 'unseen';
  if (life === 'dead') return 'free';
  const running = { holder, seen: life === 'alive', file };
  if (life === 'alive') return running;
  const age = (await folderTime(place)) - before.touched;
  if (Math.abs(age) <= place.times.stale * 1000) return running;
  // A clock that jumped makes any file look old, or new for long: whether it is still being touched shows in a while.
  await pause(3 * place.times.beat, place.signal);
  const after = await readLock(file);
  if (after === undefined) return 'overtaken';
  return after.touched === before.touched && after.text === before.text ? 'free' : running;
}

/** What stands in a lock file that was released. */
const free = '{"free":true}\n';

/** Makes the lock file of a number, unless there is one. */
async function create(generation: number, { folder, own }: Place): Promise<boolean> {
  const complete = asideOf(folder, own);
  const file = fileOf(folder, generation);
  try {
    await writeFile(complete, textOf(own), { flush: true });
    return await linkNew(complete, file, own);
  } finally {
    await rm(complete, { force: true }).catch(() => undefined);
  }
}

async function linkNew(complete: string, file: string, own: Holder): Promise<boolean> {
  try {
    await link(complete, file).catch(async (error: unknown) => {
      // Where there are no hard links: exclusive too, only that for a moment it looks damaged.
      if (!isCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
      await writeFile(file, textOf(own), { flag: 'wx', flush: true });
    });
    return true;
  } catch (error) {
    // Network file systems may say so of what they have just done themselves.
    if (isCode(error, 'EEXIST')) return (await readLock(file))?.text === textOf(own);
    // A winner has swept the complete file.
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The lock of a file just made: it is touched from now on, by writing, as the time is then the file system's own. */
async function hold(generation: number, { folder, own, times }: Place): Promise<Lock> {
  const file = fileOf(folder, generation);
  const handle = await open(file, 'r+');
  const text = Buffer.from(textOf(own));
  const beat = () => void handle.write(text, 0, text.length, 0).catch(() => undefined);
  const timer = setInterval(beat, times.beat * 1000).unref();
  const isOwn = async () => (await readLock(file))?.text === textOf(own);
  return {
    held: async () => (await isOwn()) && (await generations(folder)).at(-1) === generation,
    release: async () => {
      clearInterval(timer);
      await handle.close().catch(() => undefined);
      const released = asideOf(folder, own);
      try {
        if (!(await isOwn())) return;
        await writeFile(released, free);
        await rename(released, file);
      } catch {
        await rm(released, { force: true }).catch(() => undefined);
      }
    },
  };
}

/** The numbers of the lock files, ascending. */
async function generations(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).flatMap((name) => /^lock\.(\d{1,15})$/.exec(name)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

/** Text and time of the last touch; undefined where the file is gone. Opening makes network file systems look anew. */
async function readLock(file: string): Promise<{ text: string; touched: number } | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      return { text: await handle.readFile('utf8'), touched: (await handle.stat()).mtimeMs };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Now, by the clock that dates the folder's files. */
async function folderTime({ folder, own }: Place): Promise<number> {
  const file = asideOf(folder, own);
  const handle = await open(file, 'w');
  try {
    await handle.write('now');
    return (await handle.stat()).mtimeMs;
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}

/** Removes what earlier holders left; what cannot be removed does no harm. */
async function sweep(folder: string, generation: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const older = /^lock\.(\d{1,15})$/.exec(name)?.[1];
    if (older === undefined ? name.startsWith(asidePrefix) : Number(older) < generation)
      await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

const asidePrefix = '.lock-';

function asideOf(folder: string, { nonce }: Holder): string {
  return join(folder, `${asidePrefix}${nonce}`);
}

function fileOf(folder: string, generation: number): string {
  return join(folder, `lock.${generation}`);
}

function textOf(holder: Holder): string {
  return `${JSON.stringify(holder)}\n`;
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

function cannotLock(folder: string, cause: unknown): DataError {
  const message = `cannot hold the lock of runs: ${refusalText(cause)}; make it a folder that can be written, or set another state_dir`;
  return new DataError({ file: folder }, message, { cause });
}
