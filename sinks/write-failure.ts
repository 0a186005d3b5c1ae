import { DataError, isDiskFull, messageOf, NagError } from '../pipeline/errors.js';

/** What the file system says when an output cannot be written, in words; other errors stay as they are. */
export function writeFailure(error: unknown, path: string): unknown {
  if (error instanceof NagError || !(error instanceof Error) || !('code' in error)) return error;
  return new DataError(
    { file: path },
    isDiskFull(error) ? 'the disk is full; nothing was written' : `cannot be written: ${messageOf(error)}`,
    { cause: error },
  );
}
