import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../durable.js';
import { DataError, messageOf } from '../errors.js';
import { besides, leads, lstatOf, removeNowOrLater, sweepLeftovers } from '../leftovers.js';
import { rootOfLink } from './link-set.js';
import { outputPlace } from './place.js';

/** An entry of a folder that no earlier output put there: a folder that has one is not ours to replace. */
export type ForeignEntry = (folder: string) => Promise<string | undefined>;

/** A file or folder that is complete, verified and on disk, beside the path where it will be seen. */
export interface StagedOutput {
  readonly temporary: string;
  readonly final: string;
  /** Without it, a folder may hold parts, `_SUCCESS`, and what its `.nag-contents` lists. */
  readonly foreign?: ForeignEntry;
}

/** Lists, a name a line, what an output folder holds besides: files that have names of their own. */
export const CONTENTS = '.nag-contents';

const foreignToParts: ForeignEntry = async (folder) => {
  const entries = await readdir(folder);
  const listed = entries.includes(CONTENTS) ? await readFile(join(folder, CONTENTS), 'utf8') : '';
  const own = new Set([CONTENTS, ...listed.split('\n')]);
  const folders = new Set([...own].flatMap(foldersOf));
  const foreignIn = async (inside: string): Promise<string | undefined> => {
    for (const entry of await readdir(join(folder, inside))) {
      const name = inside === '' ? entry : `${inside}/${entry}`;
      const isPart = inside === '' && /^(?:part-\d+\.[\w.]+|_SUCCESS)$/.test(entry);
      const found = folders.has(name) ? await foreignIn(name) : isPart || own.has(name) ? undefined : name;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return await foreignIn('');
};

/** `a` and `a/b` of `a/b/c.jsonl`. */
function foldersOf(name: string): string[] {
  const parts = name.split('/');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
}

/**
 * Lets `fill` write an output into a hidden folder beside the place to which its path leads, and forget nothing there: `temporary` is the
 * file or folder that is complete and on disk. On an error nothing remains. Errors: those of `fill`, as they are;
 * DataError where the folder cannot be made, or `final` is a folder that holds other things.
 */
export async function stageOutput<Written extends { readonly temporary: string }>(
  path: string,
  fill: (folder: string) => Promise<Written>,
  foreign?: ForeignEntry,
): Promise<
  Omit<Written, 'temporary'> & { readonly outputs: readonly StagedOutput[]; discard(): Promise<void> }
> {
  const final = await outputPlace(path);
  const folder = await makeStagingFolder(final, foreign);
  const discard = (): Promise<void> => removeNowOrLater(folder);
  try {
    const { temporary, ...written } = await fill(folder);
    return { ...written, outputs: [{ temporary, final, ...(foreign && { foreign }) }], discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

/**
 * Makes a hidden folder beside `final`, on the same file system, for output that is not complete yet; parents of
 * `final` are made, and what killed runs left there is removed. Errors: DataError when that is not possible, or
 * `final` is a folder that holds other things.
 */
export async function makeStagingFolder(path: string, foreign?: ForeignEntry): Promise<string> {
  const final = await outputPlace(path);
  const staging = besides(final, 'tmp');
  try {
    const first = await mkdir(dirname(staging), { recursive: true });
    if (first !== undefined) await syncParents(dirname(staging), dirname(first));
    await sweepLeftovers(dirname(staging));
    await mkdir(staging);
  } catch (cause) {
    throw new DataError({ file: final }, `cannot be written: ${messageOf(cause)}`, { cause });
  }
  try {
    await checkReplaceable(final, foreign);
  } catch (thrown) {
    await rm(staging, { recursive: true, force: true });
    throw thrown;
  }
  return staging;
}

/** Errors: DataError where `final` is a folder, or our link to one, that holds other things than an earlier output. */
export async function checkReplaceable(
  final: string,
  foreignEntry: ForeignEntry = foreignToParts,
): Promise<void> {
  if (!(await isOwnFolder(final))) return;
  const foreign = await foreignEntry(final);
  if (foreign === undefined) return;
  throw new DataError(
    { file: final },
    `is a folder that holds other things than an earlier output ("${foreign}"): it is not replaced; choose another path`,
  );
}

async function isOwnFolder(final: string): Promise<boolean> {
  try {
    const found = await lstatOf(final);
    if (!found?.isSymbolicLink()) return found?.isDirectory() ?? false;
    // Links of the user's have been followed.
    return (
      (await rootOfLink(final)) !== undefined && (await leads(final)) && (await stat(final)).isDirectory()
    );
  } catch (cause) {
    throw new DataError({ file: final }, `cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** Makes the entries of new folders durable, from a folder up to the one that was there before. */
async function syncParents(folder: string, last: string): Promise<void> {
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    await syncFolder(parent);
    if (parent === last || parent === dirname(parent)) return;
  }
}
