import { open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Prepared } from '../pipeline/component.js';
import { DataError, isDiskFull, messageOf } from '../pipeline/errors.js';
import { makeStagingFolder, publish } from '../pipeline/publish.js';

/** A small file that a sink writes whole. */
export interface WholeFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Writes files aside, durably, to be published or discarded together. */
export async function stageFiles(
  files: readonly WholeFile[],
): Promise<Pick<Prepared, 'files' | 'publish' | 'discard'>> {
  const staged: { folder: string; temporary: string; path: string }[] = [];
  const discard = async () => {
    for (const { folder } of staged) await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const { path, content } of files) {
      const folder = await makeStagingFolder(path);
      const temporary = join(folder, basename(path));
      staged.push({ folder, temporary, path });
      await write(temporary, content, path);
    }
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    files: files.map(({ path }) => path),
    publish: async () => {
      for (const { temporary, path } of staged) await publish(temporary, path);
      await discard();
    },
    discard,
  };
}

async function write(temporary: string, content: string | Uint8Array, path: string): Promise<void> {
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const why = isDiskFull(cause)
      ? 'the disk is full; nothing was written'
      : `cannot be written: ${messageOf(cause)}`;
    throw new DataError({ file: path }, why, { cause });
  }
}
