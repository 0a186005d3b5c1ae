import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Prepared } from '../pipeline/component.js';
import { DataError, isDiskFull, messageOf } from '../pipeline/errors.js';
import { makeStagingFolder, publish } from '../pipeline/publish.js';

/** What a sink prints at the end of the run and, where a path is given, writes as JSON. Numbers that are none are null. */
export async function prepareReport(
  rows: number,
  report: string,
  json: { readonly path: string | undefined; readonly value: unknown },
): Promise<Prepared> {
  const nothing = async () => undefined;
  const { path } = json;
  if (path === undefined) return { rows, files: [], report, publish: nothing, discard: nothing };
  const staging = await makeStagingFolder(path);
  const temporary = join(staging, basename(path));
  const discard = () => rm(staging, { recursive: true, force: true });
  try {
    await writeFile(temporary, `${JSON.stringify(json.value, null, 2)}\n`, { flush: true });
  } catch (cause) {
    await discard();
    throw new DataError(
      { file: path },
      isDiskFull(cause) ? 'the disk is full; nothing was written' : `cannot be written: ${messageOf(cause)}`,
      { cause },
    );
  }
  return {
    rows,
    files: [path],
    report,
    publish: async () => {
      await publish(temporary, path);
      await discard();
    },
    discard,
  };
}
