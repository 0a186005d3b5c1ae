import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { NagError } from '../../pipeline/errors.js';

/** The files that paths and globs name, each once, in the order of their names. Throws where one names none. */
export async function listFiles(
  paths: string | readonly string[],
  extensions: readonly string[],
): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of [paths].flat() as string[]) {
    for (const file of await filesOf(pattern, extensions)) found.add(file);
  }
  return [...found].sort(byCodeUnits);
}

async function filesOf(pattern: string, extensions: readonly string[]): Promise<string[]> {
  // A file whose name looks like a glob is still a file.
  if (existsSync(pattern) || !isDynamicPattern(pattern)) return await plainPath(pattern, extensions);
  const files = await glob(pattern, { absolute: true, onlyFiles: true, expandDirectories: false });
  if (files.length === 0)
    throw new NagError(
      `${pattern}: no file matches; check the path (it is relative to the configuration file)`,
    );
  return files.map((file) => resolve(file));
}

/** A file, or all data files of a folder, as datasets in parts are written. */
async function plainPath(path: string, extensions: readonly string[]): Promise<string[]> {
  const folders = await glob(
    extensions.map((extension) => `*${extension}`),
    { cwd: path, absolute: true, onlyFiles: true },
  ).catch(() => []);
  if (folders.length > 0) return folders.map((file) => resolve(file));
  return [path];
}

/** The same everywhere, whatever the locale. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
