import { createHash, randomBytes } from 'node:crypto';
import { access, lstat, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
/** A later process may have this one's number: in a container it often has. */
const life = randomBytes(4).toString('hex');
let made = 0;

/** `.<name>.<kind>-<host>-<pid>-<random>` in the same folder: what it is for, and whether its maker is alive. */
export function besides(final: string, kind: 'tmp' | 'old'): string {
  const path = resolve(final);
  return join(
    dirname(path),
    `.${basename(path)}.${kind}-${host}-${process.pid}-${life}${(made++).toString(16)}`,
  );
}

/** What this process has beside `final` and is not complete yet. */
export async function stagingFolders(final: string): Promise<string[]> {
  const path = resolve(final);
  const prefix = `.${basename(path)}.tmp-${host}-${process.pid}-`;
  const entries = await readdir(dirname(path)).catch(() => []);
  return entries.filter((entry) => entry.startsWith(prefix)).map((entry) => join(dirname(path), entry));
}

/**
 * Removes what processes of this machine left in a folder when they were killed. An output that was moved aside and
 * has no successor is put back first.
 */
export async function sweepLeftovers(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    const [, name, kind, by, pid, random] = /^\.(.+)\.(tmp|old)-(\w{8})-(\d+)-(\w+)$/.exec(entry) ?? [];
    if (name === undefined || by !== host || !isDead(Number(pid), random!)) continue;
    const [path, final] = [join(folder, entry), join(folder, name)];
    if (kind === 'old' && !(await isThere(final))) await rename(path, final);
    else await rm(path, { recursive: true, force: true });
  }
}

/** Removes what `besides` has named. That it cannot be removed fails no run: the next one does it. */
export async function removeNowOrLater(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

function isDead(pid: number, random: string): boolean {
  if (pid === process.pid) return !random.startsWith(life);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

/** Whether a path leads to something; a link itself does not count. */
export async function leads(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** Whether there is anything at a path, be it a link that leads nowhere. */
export async function isThere(path: string): Promise<boolean> {
  return (await lstatOf(path)) !== undefined;
}

/** What is at a path, without following a link; undefined where nothing is. */
export async function lstatOf(path: string) {
  return await lstat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  });
}
