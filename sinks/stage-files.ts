import { basename, join } from 'node:path';
import type { Prepared } from '../pipeline/component.js';
import { writeSynced } from '../pipeline/durable.js';
import { stageOutput } from '../pipeline/publication/staging.js';
import { writeFailure } from './write-failure.js';

/** A small file that a sink writes whole. */
export interface WholeFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Writes files aside, durably: what a sink prepares besides its rows. */
export async function stageFiles(
  files: readonly WholeFile[],
): Promise<Pick<Prepared, 'files' | 'outputs' | 'discard'>> {
  const staged: Awaited<ReturnType<typeof stageFile>>[] = [];
  const discard = async () => {
    for (const file of staged) await file.discard();
  };
  try {
    for (const file of files) staged.push(await stageFile(file));
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    files: files.map(({ path }) => path),
    outputs: staged.flatMap(({ outputs }) => outputs),
    discard,
  };
}

async function stageFile({ path, content }: WholeFile) {
  const write = async (folder: string) => {
    const temporary = join(folder, basename(path));
    await writeSynced(temporary, content);
    return { temporary };
  };
  return await stageOutput(path, write).catch((error: unknown) => {
    throw writeFailure(error, path);
  });
}
