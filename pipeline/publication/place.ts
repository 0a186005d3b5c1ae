import { readlink, realpath, type stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { DataError, refusalText } from '../errors.js';
import { lstatOf } from '../leftovers.js';
import { rootOfLink } from './link-set.js';

/** As many links as operating systems follow. */
const mostLinks = 40;

/**
 * Where an output is put: what its path leads to, as for a shell's `>`. Links of the user's stay, and what they lead to
 * is replaced; only links that publication has made itself are not followed. Errors: DataError for links that lead
 * nowhere in the end, and for what is neither a file nor a folder.
 */
export async function outputPlace(path: string): Promise<string> {
  try {
    return await follow(path);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

async function follow(path: string): Promise<string> {
  let place = resolve(path);
  for (let links = 0; ; links++) {
    const found = await lstatOf(place);
    if (found && !found.isSymbolicLink()) {
      requireOrdinary(path, found);
      return place;
    }
    if (!found || (await rootOfLink(place)) !== undefined) return place;
    if (links === mostLinks) throw new DataError({ file: path }, 'is a link that leads to itself: remove it');
    const folder = await realpath(dirname(place));
    if (isProcess(folder))
      throw new DataError(
        { file: path },
        `leads to a stream that this program has open, and an output is a file: ${remedy}`,
      );
    place = resolve(folder, await readlink(place));
  }
}

/** The same path by the folders that are there: a path to one place is always the same text. */
export async function realPlace(path: string): Promise<string> {
  const place = await outputPlace(path);
  return join(await realFolder(dirname(place)), basename(place));
}

/** A folder with its links resolved, as far as it is there. */
export async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    const parent = dirname(folder);
    return parent === folder ? folder : join(await realFolder(parent), basename(folder));
  }
}

const remedy = 'write a file, and read it when the run has succeeded';

function requireOrdinary(path: string, found: Awaited<ReturnType<typeof stat>>): void {
  if (found.isFile() || found.isDirectory()) return;
  const kind = found.isFIFO()
    ? 'a FIFO'
    : found.isSocket()
      ? 'a socket'
      : found.isBlockDevice() || found.isCharacterDevice()
        ? 'a device'
        : 'something else';
  throw new DataError(
    { file: path },
    `is ${kind}, not a regular file, and outputs are put in place as files: ${remedy}`,
  );
}

/** `/proc/<pid>/fd`: its links lead to what is open, be it a pipe without a name. */
function isProcess(folder: string): boolean {
  return folder.startsWith(`${sep}proc${sep}`);
}

function unusable(path: string, cause: unknown): DataError {
  return cause instanceof DataError
    ? cause
    : new DataError({ file: path }, `cannot be written: ${refusalText(cause)}`, { cause });
}
