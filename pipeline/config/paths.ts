import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { globSync, isDynamicPattern } from 'tinyglobby';
import { type Path, pathText } from './problems.js';

/** Values that come from outside the file: the place in the document → where it was given, such as `--set model`. */
export type OutsideValues = Map<string, string>;

/** The key of a place in `OutsideValues`. */
export function placeKey(at: Path): string {
  return JSON.stringify(at);
}

export interface PathOptions {
  /** A pattern of names that may stand for a path, and stay as written where nothing of that name exists. */
  readonly orName?: string | undefined;
  /** The path is read, so that one that does not exist was probably meant to be another. */
  readonly isInput?: boolean;
}

/** Makes the paths of one configuration absolute. */
export interface ConfigPaths {
  /** The absolute path of what is written at a place of the document. */
  resolve(written: string, at: Path, options?: PathOptions): string;
  /** What users should know of how their paths were read, each once. */
  readonly notes: ReadonlySet<string>;
  /** An absolute path that was resolved here, as it reads on every machine. */
  portable(path: string): string;
}

/**
 * Paths in the file are relative to the file's folder; paths given on the command line or in the environment to the
 * current folder, or where they exist beside the file alone, to that. Relative paths from outside are reported.
 * What a file that is a part of an installed package writes goes to the current folder.
 * @param folder of the configuration
 * @param current where the command was started
 */
export function configPaths(folder: string, current: string, outside: OutsideValues): ConfigPaths {
  const notes = new Set<string>();
  const portable = new Map<string, string>();
  const [, packageFolder] = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)/.exec(folder) ?? [];
  const fromOutside = (written: string, from: string, orName: string | undefined) => {
    const [here, beside] = [resolve(current, written), resolve(folder, written)];
    if (here === beside) return isName(written, here, orName) ? written : here;
    if (!exists(here) && exists(beside)) {
      notes.add(`${from}: ${here} does not exist, so ${beside} is used, relative to the configuration`);
      return beside;
    }
    if (isName(written, here, orName)) return written;
    const other = exists(beside) ? `; there is also ${beside}` : '';
    notes.add(`${from}: ${written} is ${here}, relative to the current folder${other}`);
    return here;
  };
  const fromFile = (written: string, at: Path, { orName, isInput = false }: PathOptions) => {
    const [path, here] = [resolve(folder, written), resolve(current, written)];
    const own = packageFolder && relative(packageFolder, path);
    if (packageFolder && own && !own.startsWith('..') && !exists(path) && !isName(written, path, orName)) {
      notes.add(
        'the configuration is part of an installed package: relative paths that are not in the package are those of the current folder',
      );
      return join(current, own);
    }
    if (isName(written, path, orName)) {
      const last = basename(written);
      const folders = [here, resolve(folder, last), resolve(current, last)].filter((other) =>
        existsSync(other),
      );
      if (folders[0] !== undefined)
        notes.add(
          `${written} is read as a name, not as a folder; there is also a folder ${folders[0]}: give its path to use it`,
        );
      return written;
    }
    if (isInput && path !== here && !exists(path) && exists(here))
      notes.add(
        `${pathText(at)}: ${written} is relative to the configuration, where it does not exist; there is also ${here}`,
      );
    return path;
  };
  return {
    notes,
    resolve: (written, at, options = {}) => {
      const from = outside.get(placeKey(at));
      const path = isAbsolute(written)
        ? resolve(written)
        : from === undefined
          ? fromFile(written, at, options)
          : fromOutside(written, from, options.orName);
      if (isAbsolute(path)) {
        const own = from === undefined && !isAbsolute(written);
        portable.set(
          path,
          own ? slashed(relative(folder, resolve(folder, written))) : portablePath(path, folder),
        );
      }
      return path;
    },
    portable: (path) => portable.get(path) ?? path,
  };
}

function isName(written: string, path: string, orName: string | undefined): boolean {
  return orName !== undefined && new RegExp(orName).test(written) && !existsSync(path);
}

/** Inside the configuration's folder the way from there; elsewhere the name alone, of a glob with the folder before it. */
function portablePath(path: string, folder: string): string {
  const inside = relative(folder, path);
  if (!inside.startsWith('..') && !isAbsolute(inside)) return slashed(inside);
  const parts = path.split(sep);
  const dynamic = parts.findIndex((part) => isDynamicPattern(part));
  return parts.slice(dynamic > 0 ? dynamic - 1 : -1).join('/');
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

/** Whether a file or folder exists, or something that a glob may match. Folders of any depth are not searched. */
function exists(path: string): boolean {
  if (existsSync(path)) return true;
  if (!isDynamicPattern(path)) return false;
  let cwd = dirname(path);
  while (!existsSync(cwd)) cwd = dirname(cwd);
  const pattern = slashed(relative(cwd, path));
  // What is left of the way is no glob where a folder in front of it is missing.
  if (!isDynamicPattern(pattern.split('/')[0]!)) return false;
  if (pattern.includes('**')) return basename(cwd) !== '';
  return globSync(pattern, { cwd, onlyFiles: false, expandDirectories: false }).length > 0;
}
