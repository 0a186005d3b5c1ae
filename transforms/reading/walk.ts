import { lstat, readdir, realpath, stat } from 'node:fs';
import { glob } from 'tinyglobby';
import { DataError, refusalText } from '../../pipeline/errors.js';

/**
 * Names below a folder that match. The library's walk passes over what it cannot read; here a link that leads nowhere
 * is a name like others, so that its file is missed, and a folder that cannot be read is an error (DataError).
 */
export async function namesIn(
  patterns: string | string[],
  cwd: string,
  onlyFiles: boolean,
): Promise<string[]> {
  const failures: DataError[] = [];
  const fs = {
    realpath: withFallback(realpath, ([path], callback) => callback(null, path)),
    stat: withFallback(stat, ([path], callback) => lstat(String(path), callback)),
    readdir: withFallback(readdir, ([path], callback, cause) => {
      if (!('code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')))
        failures.push(
          new DataError({ file: String(path) }, `cannot be listed: ${refusalText(cause)}`, { cause }),
        );
      callback(cause);
    }),
  };
  const found = await glob(patterns, { cwd, onlyFiles, expandDirectories: false, fs });
  if (failures[0]) throw failures[0];
  return found;
}

type Callback = (error: Error | null, result?: unknown) => void;

/** A function of node:fs that, where it fails, does something else. */
function withFallback<F extends (...args: never[]) => unknown>(
  call: F,
  otherwise: (args: readonly unknown[], callback: Callback, cause: Error) => void,
): F {
  return new Proxy(call, {
    apply(target, self, args: unknown[]) {
      const callback = args.at(-1);
      if (typeof callback !== 'function') return Reflect.apply(target, self, args);
      const settle: Callback = (error, result) => Reflect.apply(callback, undefined, [error, result]);
      return Reflect.apply(target, self, [
        ...args.slice(0, -1),
        (error: Error | null, result: unknown) =>
          error ? otherwise(args, settle, error) : settle(null, result),
      ]);
    },
  });
}
