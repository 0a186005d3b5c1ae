import { z } from 'zod';

/** What becomes of what a path names: it is read, it is an output, or a folder is kept there from run to run. */
export type PathRole = 'reads' | 'writes' | 'keeps';

export interface PathOptions {
  /** A pattern of names that stay as they are written, where there is no file or folder of that name. */
  readonly orName?: string;
  /** Without it: of a sink's option `path` writes, of a source's or transform's options reads. */
  readonly role?: PathRole;
  /** Where a folder is read: a pattern of the names of files that are read in it. */
  readonly files?: string;
}

/** An option that is a path or a glob. Relative ones are relative to the configuration file. */
export function path(options: PathOptions = {}) {
  return z
    .string()
    .min(1)
    .meta({ format: 'path', ...options });
}
