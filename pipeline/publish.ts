import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError, messageOf, NagError } from './errors.js';

/** An entry of a folder that no earlier output put there: a folder that has one is not ours to replace. */
export type ForeignEntry = (folder: string) => Promise<string | undefined>;

/** Lists, a name a line, what an output folder holds besides: files that have names of their own. */
export const CONTENTS = '.nag-contents';

const foreignToParts: ForeignEntry = async (folder) => {
  const entries = await readdir(folder);
  const listed = entries.includes(CONTENTS) ? await readFile(join(folder, CONTENTS), 'utf8') : '';
  const own = new Set([CONTENTS, ...listed.split('\n')]);
  return entries.find((entry) => !/^(?:part-\d+\.[\w.]+|_SUCCESS)$/.test(entry) && !own.has(entry));
};

/**
 * Makes a hidden folder beside `final`, on the same file system, for output that is not complete yet; parents of
 * `final` are made. Errors: DataError when that is not possible, or `final` is a folder that holds other things.
 */
export async function makeStagingFolder(
  final: string,
  foreignEntry: ForeignEntry = foreignToParts,
): Promise<string> {
  const staging = sibling(final, 'tmp');
  try {
    await mkdir(staging, { recursive: true });
  } catch (cause) {
    throw new DataError({ file: final }, `cannot be written: ${messageOf(cause)}`, { cause });
  }
  try {
    await checkReplaceable(final, foreignEntry);
  } catch (thrown) {
    await rm(staging, { recursive: true, force: true });
    throw thrown;
  }
  return staging;
}

/** Folders of output that this process has beside `final` and that is not complete yet. */
export async function stagingFolders(final: string): Promise<string[]> {
  const path = resolve(final);
  const prefix = `.${basename(path)}.tmp-${process.pid}-`;
  const entries = await readdir(dirname(path)).catch(() => []);
  return entries.filter((entry) => entry.startsWith(prefix)).map((entry) => join(dirname(path), entry));
}

/**
 * Moves a complete file or folder to its final path, where it replaces an earlier output: atomically where file
 * replaces file, otherwise by moving the old one aside first, and back should the move fail. Durable on return.
 * Errors: DataError when the old output cannot be replaced; it is then still there.
 */
export async function publish(
  temporary: string,
  final: string,
  foreignEntry: ForeignEntry = foreignToParts,
): Promise<void> {
  await checkReplaceable(final, foreignEntry);
  try {
    const [fresh, old] = [await lstat(temporary), await kindOf(final)];
    if (fresh.isDirectory()) await syncFolder(temporary);
    if (old === 'none' || (old === 'file' && !fresh.isDirectory())) await rename(temporary, final);
    else await exchange(temporary, final);
    await syncFolder(dirname(resolve(final)));
  } catch (cause) {
    if (cause instanceof NagError) throw cause;
    throw new DataError({ file: final }, `cannot be put in place: ${messageOf(cause)}`, { cause });
  }
}

async function exchange(temporary: string, final: string): Promise<void> {
  const aside = sibling(final, 'old');
  await rename(final, aside);
  try {
    await rename(temporary, final);
  } catch (cause) {
    await rename(aside, final);
    throw cause;
  }
  await rm(aside, { recursive: true, force: true });
}

/** `.<name>.<kind>-<pid>-<random>` in the same folder. */
function sibling(final: string, kind: string): string {
  const path = resolve(final);
  const unique = `${process.pid}-${randomBytes(4).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.${kind}-${unique}`);
}

async function checkReplaceable(final: string, foreignEntry: ForeignEntry): Promise<void> {
  if ((await kindOf(final)) !== 'folder') return;
  const foreign = await foreignEntry(final);
  if (foreign === undefined) return;
  throw new DataError(
    { file: final },
    `is a folder that holds other things than an earlier output ("${foreign}"): it is not replaced; choose another path`,
  );
}

async function kindOf(path: string): Promise<'none' | 'file' | 'folder'> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'file';
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return 'none';
    throw new DataError({ file: path }, `cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** Makes renames in a folder durable. Windows has no such thing and refuses to open folders. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
