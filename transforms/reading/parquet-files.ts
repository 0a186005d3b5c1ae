import type { Schema } from 'apache-arrow';
import pLimit from 'p-limit';
import { ParquetSource, type RowGroup } from '../../pipeline/arrow/parquet-file.js';
import type { Context } from '../../pipeline/component.js';
import { DataError, isBadData } from '../../pipeline/errors.js';
import type { ListedPath } from './listing.js';
import { type FileStamp, stampOf } from './same-file.js';

/** A file as listed: what its footer says, without the open file. */
export interface ListedFile {
  readonly path: string;
  /** As of `ListedPath`. */
  readonly name: string;
  readonly stamp: FileStamp;
  readonly schema: Schema;
  readonly rowGroups: readonly RowGroup[];
  readonly rows: number;
}

/** From this size on a row group's memory is worth a word. */
const largeRowGroupMb = 256;

/** Files that are open at a time while they are listed. */
const openFiles = 8;

/** Listing tells how far it is after so many. */
const toldFiles = 100;

/** What files say of themselves; those that cannot be read as Parquet are rejected, if there are others. */
export async function listParquet(
  inputs: readonly ListedPath[],
  settings: { readonly int96?: 'us' | 'ns' | undefined },
  context: Context,
): Promise<ListedFile[]> {
  const limit = pLimit(openFiles);
  let listed = 0;
  const tell = () => {
    if (listed++ % toldFiles === 0) context.doing(`footers: ${listed - 1} of ${inputs.length} files`);
  };
  const found = await Promise.all(
    inputs.map((input) =>
      limit(() => listFile(input, settings, context.signal))
        .catch((error: unknown) => {
          if (context.tolerant && isBadData(error)) return error;
          throw error;
        })
        .finally(tell),
    ),
  ).finally(() => context.doing(undefined));
  const files = found.flatMap((file) => (file instanceof DataError ? [] : [file]));
  const bad = found.flatMap((file) => (file instanceof DataError ? [file] : []));
  for (const cause of bad) context.reject(cause.place, cause.reason, { rows: undefined, cause });
  if (files.length === 0) throw bad[0];
  return files;
}

async function listFile(
  { path, name }: ListedPath,
  { int96 }: { readonly int96?: 'us' | 'ns' | undefined },
  signal: AbortSignal,
): Promise<ListedFile> {
  signal.throwIfAborted();
  const source = await ParquetSource.open(path, { int96 });
  try {
    const { schema, rowGroups, rows } = source;
    return { path, name, stamp: await stampOf(path), schema, rowGroups, rows };
  } finally {
    await source.close();
  }
}

/** Refuses row groups that take more memory than is allowed, and tells of those that take much. */
export function checkRowGroups(
  file: ListedFile,
  settings: { readonly max_row_group_mb: number },
  context: Context,
): void {
  const largest = file.rowGroups.reduce((max, group) => Math.max(max, group.uncompressedBytes), 0) / 1e6;
  if (largest > settings.max_row_group_mb) {
    throw new DataError(
      { file: file.path },
      `has a row group of ${largest.toFixed(0)} MB uncompressed, above max_row_group_mb: ${settings.max_row_group_mb}. ` +
        'A row group is decoded whole and takes about 3 times its size in memory: rewrite the file with smaller row groups, or raise the limit',
    );
  }
  if (largest > largeRowGroupMb) {
    context.note(
      `row groups of up to ${largest.toFixed(0)} MB uncompressed: reading will take about ${((largest * 3) / 1000).toFixed(1)} GB`,
    );
  }
}
