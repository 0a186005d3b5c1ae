import { constants } from 'node:fs';
import { access, realpath, stat, statfs } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { DataError, refusalText } from '../errors.js';
import { leads } from '../leftovers.js';
import { commonFolder } from '../publication/link-set.js';
import { realFolder, realPlace } from '../publication/place.js';
import { checkReplaceable } from '../publication/staging.js';
import { fixedPart } from './collisions.js';
import type { PathUse } from './path-uses.js';

/** The same uses with the paths that they have once links are resolved. What cannot be looked at stays as it is. */
export async function realUses(uses: readonly PathUse[]): Promise<PathUse[]> {
  return await Promise.all(
    uses.map(async (use) => ({ ...use, path: await realPath(use).catch(() => use.path) })),
  );
}

async function realPath({ path, role }: PathUse): Promise<string> {
  if (role === 'writes') return await realPlace(path);
  if (await leads(path)) return await realpath(path);
  const fixed = fixedPart(path);
  return join(await realFolder(fixed), relative(fixed, path));
}

/** Throws where nothing could be put at the path of an output: a DataError. Nothing is made. */
export async function checkOutput({ path, foreign }: PathUse): Promise<void> {
  const place = await realPlace(path);
  const folder = await existingFolder(dirname(place));
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is a file, not a folder`);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new DataError({ file: path }, `cannot be written: ${refusalText(cause, folder)}`, { cause });
  }
  await checkReplaceable(place, foreign);
  await checkSpace(path, folder);
}

/** Throws where not a byte is free. */
async function checkSpace(path: string, folder: string): Promise<void> {
  if ((await freeBytes(folder)) === 0)
    throw new DataError({ file: path }, `cannot be written: the disk is full (${folder} has no free space)`);
}

/** Bytes that are free for this user where a folder is, or will be; undefined where the file system does not tell. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const found = await statfs(await existingFolder(folder)).catch(() => undefined);
  // Some file systems have no size, and tell 0 of everything.
  return found === undefined || found.blocks === 0 ? undefined : found.bavail * found.bsize;
}

/** The deepest part of a path that is there. */
async function existingFolder(folder: string): Promise<string> {
  let existing = folder;
  while (!(await leads(existing)) && dirname(existing) !== existing) existing = dirname(existing);
  return existing;
}

/** The file of an input that an output would replace through a link or another name of its folder. */
export async function sameFile(
  outputs: readonly PathUse[],
  files: Iterable<string>,
): Promise<{ output: PathUse; file: string } | undefined> {
  const there = new Map<string, { output: PathUse; real: string; links: number }>();
  for (const output of outputs) {
    const found = await stat(output.path).catch(() => undefined);
    if (found?.isFile())
      there.set(`${found.dev}:${found.ino}`, {
        output,
        real: await realpath(output.path),
        links: found.nlink,
      });
  }
  if (there.size === 0) return undefined;
  for (const file of files) {
    const found = await stat(file).catch(() => undefined);
    const same = found && there.get(`${found.dev}:${found.ino}`);
    // A second hard link keeps its content when the first is replaced.
    if (same && (same.links === 1 || (await realpath(file)) === same.real))
      return { output: same.output, file };
  }
  return undefined;
}

/** Of outputs that become visible together: one that is on another file system than the folder that they share. */
export async function onOtherDisk(
  outputs: readonly PathUse[],
): Promise<{ output: PathUse; common: string } | undefined> {
  if (outputs.length < 2) return undefined;
  const folders = await Promise.all(outputs.map(async ({ path }) => dirname(await realPlace(path))));
  const common = commonFolder(folders);
  const { dev } = await stat(await existingFolder(common));
  for (const [i, folder] of folders.entries())
    if ((await stat(await existingFolder(folder))).dev !== dev) return { output: outputs[i]!, common };
  return undefined;
}
