import { existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import picomatch from 'picomatch';
import { isDynamicPattern } from 'tinyglobby';
import { NagError } from '../../pipeline/errors.js';
import { namesIn } from './walk.js';

/** A file of a source. */
export interface ListedPath {
  readonly path: string;
  /** Its path below the folder that was named, or below that part of a glob which is no pattern. */
  readonly name: string;
}

/**
 * The files that paths and globs name, each once, in the order of their paths. A folder stands for the data files in it
 * and further down, as datasets are written; folders whose names begin with `.` or `_`, which writers use for what is no
 * data, are passed over. Throws where a path or glob names no file.
 */
export async function listInputs(
  paths: string | readonly string[],
  extensions: readonly string[],
): Promise<ListedPath[]> {
  const found = new Map<string, string>();
  for (const pattern of [paths].flat() as string[]) {
    const base = await baseOf(pattern);
    for (const path of await filesOf(pattern, extensions))
      if (!found.has(path)) found.set(path, relative(base, path));
  }
  return [...found].map(([path, name]) => ({ path, name })).sort((a, b) => byCodeUnits(a.path, b.path));
}

/** The paths alone. */
export async function listFiles(
  paths: string | readonly string[],
  extensions: readonly string[],
): Promise<string[]> {
  return (await listInputs(paths, extensions)).map(({ path }) => path);
}

async function baseOf(pattern: string): Promise<string> {
  return (await isFolder(pattern)) ? pattern : existingFolder(pattern);
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Whether a path or glob would name this file if it were there; nothing is looked up. Paths are absolute. */
export function takesFile(
  paths: string | readonly string[],
  extensions: readonly string[],
  file: string,
): boolean {
  return [paths].flat().some((pattern: string) => {
    if (file === pattern) return true;
    if (isDynamicPattern(pattern)) return picomatch.isMatch(file, pattern);
    const hidden = relative(pattern, file)
      .split(sep)
      .some((name) => name.startsWith('.'));
    return file.startsWith(`${pattern}${sep}`) && !hidden && extensions.some((end) => file.endsWith(end));
  });
}

async function filesOf(pattern: string, extensions: readonly string[]): Promise<string[]> {
  // A file whose name looks like a glob is still a file.
  if (existsSync(pattern) || !isDynamicPattern(pattern)) return await plainPath(pattern, extensions);
  const cwd = existingFolder(pattern);
  const found = await matches(relative(cwd, pattern), cwd, false);
  const files = await Promise.all(found.map((name) => matched(join(cwd, name), name, extensions)));
  if (files.flat().length === 0)
    throw new NagError(
      `${pattern}: no file matches; check the path (in a configuration it is relative to that file)`,
    );
  return files.flat();
}

/** Names that match. Links to folders are followed, but a file to which two of them lead is one file. */
async function matches(patterns: string | string[], cwd: string, onlyFiles: boolean): Promise<string[]> {
  const folders = new Map<string, string>();
  const files = new Map<string, string>();
  for (const name of (await namesIn(patterns, cwd, onlyFiles)).sort(byLength)) {
    const folder = dirname(name);
    const real = folders.get(folder) ?? (await realpath(join(cwd, folder)));
    folders.set(folder, real);
    const file = join(real, basename(name));
    if (!files.has(file)) files.set(file, name);
  }
  return [...files.values()];
}

/** The shortest name first, which leads through the fewest links. */
function byLength(a: string, b: string): number {
  return a.length - b.length || byCodeUnits(a, b);
}

/** What is left of a pattern without its part that exists: brackets in the name of a folder are no glob. */
function existingFolder(pattern: string): string {
  let folder = dirname(resolve(pattern));
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

/** A file; or the parts of a folder that is named like one, as a large output is. Other folders are passed over. */
async function matched(path: string, name: string, extensions: readonly string[]): Promise<string[]> {
  if (!name.endsWith('/')) return [path];
  return extensions.some((extension) => name.endsWith(`${extension}/`)) ? await parts(path, extensions) : [];
}

async function plainPath(path: string, extensions: readonly string[]): Promise<string[]> {
  if (!(await isFolder(path))) return [path];
  const files = await parts(path, extensions);
  if (files.length === 0)
    throw new NagError(
      `${path}: is a folder in which no name ends in ${extensions.join(' or ')}, nor further down`,
    );
  return files;
}

async function parts(folder: string, extensions: readonly string[]): Promise<string[]> {
  const patterns = extensions.map((extension) => `**/*${extension}`);
  const names = await matches(patterns, folder, true);
  return names.filter(isData).map((name) => join(folder, name));
}

/** `_temporary/…` holds no data; the folder of a column whose name begins so does: `_day=1/…`. */
function isData(name: string): boolean {
  return !name
    .split('/')
    .slice(0, -1)
    .some((folder) => folder.startsWith('_') && !folder.includes('='));
}

/** The same everywhere, whatever the locale. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
