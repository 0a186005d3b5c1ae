import type { RecordBatch, Schema } from 'apache-arrow';
import pLimit from 'p-limit';
import { z } from 'zod';
import { gatherBatch } from '../pipeline/arrow/gather.js';
import { ParquetSource, type RowGroup } from '../pipeline/arrow/parquet-file.js';
import { type RowGroupPlace, RowGroupReader } from '../pipeline/arrow/row-group-reader.js';
import { rowRange } from '../pipeline/arrow/row-range.js';
import { type Batch, type Bundle, emptyColumns } from '../pipeline/batch.js';
import {
  type Context,
  defineSource,
  type Needs,
  type OpenSource,
  type ReadOptions,
  type Reject,
} from '../pipeline/component.js';
import { DataError, isBadData } from '../pipeline/errors.js';
import { finishBatch, type Reading } from './reading/finish.js';
import { listFiles, takesFile } from './reading/listing.js';
import { readingFacts, readingOptions } from './reading/options.js';
import { mapRoles, neededColumns, noteHidden } from './reading/roles.js';
import { type FileStamp, requireSameFile, stampOf } from './reading/same-file.js';
import { alikeFiles, requireSameSchema, withNullsOf } from './reading/same-schema.js';
import { compileWhere } from './reading/where.js';

/** Options of Parquet files. */
export const parquetOptions = {
  batch_rows: z.int().min(1).max(65536).default(2048).describe('Most rows in a batch'),
  max_row_group_mb: z
    .number()
    .positive()
    .default(1024)
    .describe(
      'Refuse files with larger row groups (uncompressed MB): a row group is decoded whole, at about 3 times its size',
    ),
} as const;

const options = z.strictObject({ ...readingOptions, ...parquetOptions });

type Options = z.output<typeof options>;

/** Of files in a folder. */
const extensions = ['.parquet'];

/** Source: Parquet files of any size and codec, row group by row group. */
export const readParquet = defineSource({
  name: 'read.parquet',
  summary: 'Read documents from Parquet files, streaming their row groups',
  options,
  example: `
    - {id: pool, use: read.parquet, with: {path: "pool/*.parquet", where: {language: en}, columns: {text: body}}}
    - {use: write.jsonl, with: {path: out/english.jsonl}}`,
  chain: {},
  facts: readingFacts,
  takes: ({ path }, file) => takesFile(path, extensions, file),
  open: async (settings, context, firstOrdinal) =>
    await openParquet(await listFiles(settings.path, extensions), settings, context, firstOrdinal),
});

/** A file as listed: what its footer says, without the open file. */
export interface ListedFile {
  readonly path: string;
  readonly stamp: FileStamp;
  readonly schema: Schema;
  readonly rowGroups: readonly RowGroup[];
  readonly rows: number;
}

/** Row groups are listed together up to this many rows: enough for a bundle to be worth its bookkeeping. */
const bundleRows = 8192;
const bundleBytes = 64e6;

/** From this size on a row group's memory is worth a word. */
const largeRowGroupMb = 256;

/**
 * Opens listed Parquet files.
 * @param check looks at what their footers say before they are compared with one another
 */
export async function openParquet(
  paths: readonly string[],
  settings: Options,
  context: Context,
  firstOrdinal: number,
  check: (files: readonly ListedFile[]) => void = () => undefined,
): Promise<OpenSource> {
  const listed = await listAll(paths, context);
  const files = context.tolerant ? alikeFiles(listed, context.reject) : listed;
  check(files);
  const schema = requireSameSchema(files);
  for (const file of files) checkRowGroups(file, settings, context);
  noteHidden(schema, context);
  const first = files[0]!.path;
  const reading: Reading = {
    schema,
    mapping: mapRoles(settings, schema, first),
    filter: compileWhere(settings.where, schema, first),
  };
  const groups = new Map<Bundle, { file: ListedFile; groups: readonly RowGroupPlace[] }>();
  for (const file of files) {
    for (const run of runsOf(file.rowGroups)) {
      const rows = run.reduce((sum, group) => sum + group.rows, 0);
      const bytes = run.reduce((sum, group) => sum + group.compressedBytes, 0);
      groups.set(
        {
          ordinal: firstOrdinal + groups.size,
          file: file.path,
          firstRow: run[0]?.firstRow ?? 0,
          rows,
          bytes,
        },
        { file, groups: run.map((group) => ({ path: file.path, group })) },
      );
    }
  }
  const reader = new RowGroupReader([...groups.values()].flatMap((own) => own.groups));
  return {
    schema,
    roles: reading.mapping.roles,
    bundles: [...groups.keys()],
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    read: (bundle, needs, how) =>
      readBundle(bundle, groups.get(bundle)!, needs, how ?? {}, reading, settings, context, reader),
    close: () => reader.close(),
  };
}

/** What files say of themselves; those that cannot be read as Parquet are rejected, if there are others. */
async function listAll(paths: readonly string[], context: Context): Promise<ListedFile[]> {
  const limit = pLimit(8);
  const found = await Promise.all(
    paths.map((path) =>
      limit(() => listFile(path, context.signal)).catch((error: unknown) => {
        if (context.tolerant && isBadData(error)) return error;
        throw error;
      }),
    ),
  );
  const files = found.flatMap((file) => (file instanceof DataError ? [] : [file]));
  const bad = found.flatMap((file) => (file instanceof DataError ? [file] : []));
  for (const cause of bad) context.reject(cause.place, cause.reason, { rows: undefined, cause });
  if (files.length === 0) throw bad[0];
  return files;
}

async function listFile(path: string, signal: AbortSignal): Promise<ListedFile> {
  signal.throwIfAborted();
  const source = await ParquetSource.open(path);
  try {
    const { schema, rowGroups, rows } = source;
    return { path, stamp: await stampOf(path), schema, rowGroups, rows };
  } finally {
    await source.close();
  }
}

function checkRowGroups(file: ListedFile, settings: Options, context: Context): void {
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

function* runsOf(rowGroups: readonly RowGroup[]): Generator<RowGroup[]> {
  let run: RowGroup[] = [];
  let rows = 0;
  let bytes = 0;
  for (const group of rowGroups) {
    if (run.length > 0 && (rows + group.rows > bundleRows || bytes + group.uncompressedBytes > bundleBytes)) {
      yield run;
      run = [];
      rows = 0;
      bytes = 0;
    }
    run.push(group);
    rows += group.rows;
    bytes += group.uncompressedBytes;
  }
  // A file without rows is a bundle too: its columns are needed.
  if (run.length > 0 || rowGroups.length === 0) yield run;
}

async function* readBundle(
  bundle: Bundle,
  place: { file: ListedFile; groups: readonly RowGroupPlace[] },
  needs: Needs,
  how: ReadOptions,
  reading: Reading,
  settings: Options,
  context: Context,
  reader: RowGroupReader,
): AsyncGenerator<Batch> {
  const wanted = neededColumns(needs, reading.mapping, reading.schema, bundle.file);
  const columns = wanted && [...new Set([...wanted, ...(reading.filter?.columns ?? [])])];
  const groups = place.groups.filter(({ group }) => touches(group, bundle, how.only));
  if (groups.length === 0) {
    yield finishBatch(emptyColumns(reading.schema), new Uint32Array(0), bundle, needs, reading, how);
    return;
  }
  await requireSameFile(bundle.file, place.file.stamp);
  const reject = how.reject ?? context.reject;
  for (const group of groups) {
    let row = group.group.firstRow - bundle.firstRow;
    for await (const raw of readGroup(reader, group, columns, settings, context.signal, reject)) {
      const batch = chosen(withNullsOf(reading.schema, raw), row, how.only);
      row += raw.numRows;
      if (batch) yield finishBatch(batch.columns, batch.rows, bundle, needs, reading, how);
    }
  }
}

/** A row group's batches; from the first that cannot be decoded on, its rows are rejected. */
async function* readGroup(
  reader: RowGroupReader,
  place: RowGroupPlace,
  columns: readonly string[] | undefined,
  { batch_rows }: Options,
  signal: AbortSignal,
  reject: Reject,
): AsyncGenerator<RecordBatch> {
  const { path, group } = place;
  let read = 0;
  try {
    for await (const batch of reader.read(place, { columns, batchRows: batch_rows, signal })) {
      read += batch.numRows;
      yield batch;
    }
  } catch (error) {
    // Whoever stops the run may do so for data of its own.
    if (signal.aborted || !isBadData(error)) throw error;
    reject({ file: path, row: group.firstRow + read }, error.reason, {
      rows: group.rows - read,
      cause: error,
    });
  }
}

function touches(group: RowGroup, bundle: Bundle, only: Uint32Array | undefined): boolean {
  if (!only) return true;
  const first = group.firstRow - bundle.firstRow;
  const next = lowerBound(only, first);
  return next < only.length && only[next]! < first + group.rows;
}

/** The rows of a batch that are wanted; `first` is its first row in the bundle. */
function chosen(
  columns: RecordBatch,
  first: number,
  only: Uint32Array | undefined,
): { columns: RecordBatch; rows: Uint32Array } | undefined {
  if (!only) return { columns, rows: rowRange(first, columns.numRows) };
  const rows = only.subarray(lowerBound(only, first), lowerBound(only, first + columns.numRows));
  if (rows.length === 0) return undefined;
  return {
    columns: gatherBatch(
      columns,
      rows.map((row) => row - first),
    ),
    rows: rows.slice(),
  };
}

/** First position whose value is at least `value`. */
function lowerBound(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
