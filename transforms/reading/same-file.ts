import { stat } from 'node:fs/promises';
import { DataError } from '../../pipeline/errors.js';

/** Tells a file from what it was before, as build tools do: by its size and the time of its last change. */
export interface FileStamp {
  readonly bytes: number;
  readonly changedAt: number;
}

export async function stampOf(file: string): Promise<FileStamp> {
  const { size, mtimeMs } = await stat(file);
  return { bytes: size, changedAt: mtimeMs };
}

/** Throws where a file is no longer the one that was listed: rows of it may have been counted, or ranked, already. */
export async function requireSameFile(file: string, before: FileStamp): Promise<void> {
  const now = await stampOf(file).catch((cause: unknown) => {
    throw new DataError({ file }, 'was listed when the run began and is gone now', { cause });
  });
  if (now.bytes === before.bytes && now.changedAt === before.changedAt) return;
  throw new DataError(
    { file },
    `changed during the run: it had ${before.bytes} bytes, and has ${now.bytes} now; run again`,
  );
}
