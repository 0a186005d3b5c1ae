import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Prepared } from '../component.js';
import type { OutputRecord } from '../state/record.js';
import { digestFile } from '../store/file-digests.js';
import type { StagedOutput } from './staging.js';

/** The files of what a stage has staged, as they will be: read back from disk. Errors: DataError; the signal's reason. */
export async function digestOutputs(
  stage: string,
  { rows, outputs }: Pick<Prepared, 'rows' | 'outputs'>,
  signal: AbortSignal,
): Promise<OutputRecord[]> {
  const records: OutputRecord[] = [];
  for (const output of outputs)
    records.push({ stage, path: output.final, rows, files: await digestFiles(output, signal) });
  return records;
}

async function digestFiles({ temporary, final }: StagedOutput, signal: AbortSignal) {
  const files: OutputRecord['files'][number][] = [];
  for (const file of await filesIn(temporary)) {
    const sha256 = await digestFile(file, signal);

    const inside = relative(temporary, file);
    const path = inside === '' ? final : join(final, inside);
    files.push({ path, bytes: (await stat(file)).size, sha256 });
  }
  return files;
}

/** The file itself, or all files in a folder, in the order of their names. */
async function filesIn(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).sort();
  return (await Promise.all(names.map((name) => filesIn(join(path, name))))).flat();
}
