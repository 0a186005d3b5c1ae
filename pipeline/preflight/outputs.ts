import { constants } from 'node:fs';
import { access, readdir, realpath, stat, statfs } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { DataError, refusalText } from '../errors.js';
import { leads } from '../leftovers.js';
import { commonFolder } from '../publication/link-set.js';
import { realFolder, realPlace } from '../publication/place.js';
import { checkReplaceable } from '../publication/staging.js';
import { fixedPart } from './collisions.js';
import type { PathUse } from './path-uses.js';

/**
 * The same uses with the paths that they have once links are resolved, and those of files to which links in folders
 * that are read lead, as in a cache of models. What cannot be looked at stays as it is.
 */
export async function realUses(uses: readonly PathUse[]): Promise<PathUse[]> {
  const real = await Promise.all(uses.map(realUse));
  return [...real, ...(await Promise.all(real.map(linkedFiles))).flat()];
}

async function realUse(use: PathUse): Promise<PathUse> {
  const path = await realPath(use).catch(() => use.path);
  const { takes } = use;
  if (!takes || fixedPart(path) === path || !(await leads(use.path))) return { ...use, path };
  // It looks like a glob and is there: no pattern. What it takes does not depend on its name.
  return { ...use, path, takes: (file, own) => takes(below('/folder', own, file), '/folder') };
}

/** A path with another folder in the place of its own. */
function below(folder: string, own: string, file: string): string {
  return file === own || file.startsWith(`${own}${sep}`) ? join(folder, relative(own, file)) : file;
}

async function linkedFiles({ takes: _, names, ...use }: PathUse): Promise<PathUse[]> {
  if (!names) return [];
  const entries = await readdir(use.path, { withFileTypes: true }).catch(() => []);
  const links = entries.filter((entry) => entry.isSymbolicLink() && names.test(entry.name));
  const found = await Promise.all(
    links.map(({ name }) => realpath(join(use.path, name)).catch(() => undefined)),
  );
  return found.flatMap((path) => (path === undefined ? [] : [{ ...use, path }]));
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
