import { type Field, type RecordBatch, Schema } from 'apache-arrow';
import { z } from 'zod';
import { gatherBatch } from '../pipeline/arrow/gather.js';
import type { RowGroup } from '../pipeline/arrow/parquet-file.js';
import { invalidTexts } from '../pipeline/arrow/restore.js';
import { type RowGroupPlace, RowGroupReader } from '../pipeline/arrow/row-group-reader.js';
import { rowRange } from '../pipeline/arrow/row-range.js';
import { type Batch, type Bundle, emptyColumns } from '../pipeline/batch.js';
import {
  type Context,
  defineSource,
  type FileKind,
  type Needs,
  type OpenSource,
  type ReadOptions,
  type Reject,
} from '../pipeline/component.js';
import { isBadData } from '../pipeline/errors.js';
import { conform, pruned } from '../pipeline/unite.js';
import { checksEarly, columnsToCheck, onlyColumns, withValidRows } from './parquet/invalid-text.js';
import { withoutColumns, withPairs } from './parquet/schemas.js';
import { finishBatch, type Reading } from './reading/finish.js';
import { type HiveLayout, hiveLayout } from './reading/hive-layout.js';
import { type ListedPath, listInputs, takesFile } from './reading/listing.js';
import { hiveOption, readingFacts, readingOptions } from './reading/options.js';
import { checkRowGroups, type ListedFile, listParquet } from './reading/parquet-files.js';
import {
  askedColumns,
  columnsOfDocuments,
  mapRoles,
  neededColumns,
  noteHidden,
  typeOf,
} from './reading/roles.js';
import { requireSameFile } from './reading/same-file.js';
import { uniteFiles } from './reading/same-schema.js';
import { refuseTables } from './reading/tables.js';
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
  hive: hiveOption,
  without: z
    .array(z.string().min(1))
    .default([])
    .describe('Columns that are left out, as if the files did not have them; they are not decoded'),
  invalid_text: z
    .enum(['fail', 'replace'])
    .default('fail')
    .describe(
      'Text that is no valid UTF-8: its row cannot be used (on_error), or U+FFFD is put in its place, counted',
    ),
  int96: z
    .enum(['us', 'ns'])
    .optional()
    .describe(
      "Unit of INT96 times: us reaches every year, ns ends in 2262. Without it ns where the file's Arrow schema says so, otherwise us",
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
  facts: ({ invalid_text, ...reading }) => ({
    ...readingFacts(reading),
    // Text is what it was before there was this option, unless it is replaced.
    ...(invalid_text === 'replace' && { invalid_text }),
  }),
  takes: ({ path }, file) => takesFile(path, extensions, file),
  open: async (settings, context, firstOrdinal) => {
    // A table may have no file under the names that are looked for.
    await refuseTables([settings.path].flat());
    const inputs = await listInputs(settings.path, extensions);
    return await openParquet(inputs, settings, context, firstOrdinal);
  },
});

/** Row groups are listed together up to this many rows: enough for a bundle to be worth its bookkeeping. */
const bundleRows = 8192;
const bundleBytes = 64e6;

/**
 * Opens listed Parquet files.
 * @param check looks at what their footers say before they are compared with one another
 */
export async function openParquet(
  inputs: readonly ListedPath[],
  settings: Options,
  context: Context,
  firstOrdinal: number,
  check: (files: readonly ListedFile[]) => void = () => undefined,
): Promise<OpenSource> {
  await refuseTables(inputs.map(({ path }) => path));
  const hive = hiveLayout(inputs, settings.hive);
  const found = await listParquet(hive.pruned(settings.where, context), settings, context);
  const listed = withoutColumns(found, settings.without);
  check(listed);
  const { files, schema: own } = uniteFiles(
    listed.map((file) => ({ ...file, schema: hive.withoutColumns(file.schema, context) })),
    askedColumns(settings, context.needed),
    context,
  );
  const schema = new Schema([...own.fields, ...hive.fields], own.metadata);
  for (const file of files) checkRowGroups(file, settings, context);
  noteHidden(schema, context);
  const first = files[0]!.path;
  const mapping = mapRoles(settings, schema, first);
  const reading: Reading = {
    schema,
    mapping,
    filter: compileWhere(settings.where, schema, first, mapping.roles),
  };
  const made = columnsOfDocuments(reading.mapping);
  const groups = new Map<Bundle, { file: ListedFile; groups: readonly RowGroupPlace[] }>();
  for (const file of files) {
    for (const run of runsOf(file.rowGroups)) {
      const rows = run.reduce((sum, group) => sum + group.rows, 0);
      const bytes = run.reduce((sum, group) => sum + group.compressedBytes, 0);
      groups.set(
        {
          ordinal: firstOrdinal + groups.size,
          file: file.path,
          name: file.name,
          ...hive.identity(file.path, made),
          firstRow: run[0]?.firstRow ?? 0,
          rows,
          bytes,
        },
        { file, groups: run.map((group) => ({ path: file.path, group, int96: settings.int96 })) },
      );
    }
  }
  const reader = new RowGroupReader([...groups.values()].flatMap((own) => own.groups));
  return {
    schema,
    roles: reading.mapping.roles,
    bundles: [...groups.keys()],
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    kinds: kindsOf(groups),
    read: (bundle, needs, how) =>
      readBundle(
        bundle,
        groups.get(bundle)!,
        needs,
        how ?? {},
        { ...reading, hive },
        settings,
        context,
        reader,
      ),
    close: () => reader.close(),
  };
}

/** Files that differ in the key of their footer by which numbers stand for classes. */
function kindsOf(groups: ReadonlyMap<Bundle, { readonly file: ListedFile }>): FileKind[] {
  const kinds = new Map<string | undefined, FileKind>();
  for (const [bundle, { file }] of groups) {
    const { metadata } = file.schema;
    const features = metadata.get('huggingface');
    if (!kinds.has(features)) kinds.set(features, { bundle, metadata });
  }
  return [...kinds.values()];
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
  reading: Reading & { readonly hive: HiveLayout },
  settings: Options,
  context: Context,
  reader: RowGroupReader,
): AsyncGenerator<Batch> {
  const wanted = neededColumns(needs, reading.mapping, reading.schema, bundle.file);
  const columns = wanted && [...new Set([...wanted, ...(reading.filter?.columns ?? [])])];
  const all = fieldsOf(reading.schema, columns);
  const fields = all.filter((field) => !reading.hive.fields.includes(field));
  const fromPath = all.filter((field) => reading.hive.fields.includes(field));
  const there = columnsIn(place.file.schema, reading.schema, columns, settings.without.length > 0);
  const early = settings.invalid_text === 'fail' && checksEarly(needs, how, context);
  const checked = there && early ? columnsToCheck(there, place.file.schema) : there;
  const groups = place.groups.filter(({ group }) => touches(group, bundle, how.only));
  const nothing = () =>
    finishBatch(emptyColumns(reading.schema), new Uint32Array(0), bundle, needs, reading, how);
  if (groups.length === 0) {
    yield nothing();
    return;
  }
  let some = false;
  await requireSameFile(bundle.file, place.file.stamp);
  const reject = how.reject ?? context.reject;
  const policy = {
    replace: settings.invalid_text === 'replace',
    reject,
    replaced: (texts: number) => context.count('texts replaced', texts),
  };
  for (const group of groups) {
    let row = group.group.firstRow - bundle.firstRow;
    const asked = { checked, columns: there, fields };
    for await (const { raw, united } of readGroup(reader, group, asked, settings, context.signal, reject)) {
      const whole = withPairs(reading.hive.withColumns(united, fromPath, bundle.file), place.file.schema);
      const found = chosen(whole, row, how.only);
      const batch = found && withValidRows(found, invalidTexts(raw), row, bundle, reading.filter, policy);
      row += raw.numRows;
      some = true;
      if (batch) yield finishBatch(batch.columns, batch.rows, bundle, needs, reading, how);
    }
  }
  // Row groups of no rows, as writers make them, have columns too.
  if (!some && !how.only) yield nothing();
}

/** What is read of a file's columns. */
interface Asked {
  /** Columns to read; undefined for all of the file's. */
  readonly checked: readonly string[] | undefined;
  /** Those of them that go on. */
  readonly columns: readonly string[] | undefined;
  /** What they are read as. */
  readonly fields: readonly Field[];
}

/** A row group's batches, as they are in the file and as asked for; from the first that cannot be decoded on, its rows are rejected. */
async function* readGroup(
  reader: RowGroupReader,
  place: RowGroupPlace,
  { checked, columns, fields }: Asked,
  { batch_rows }: Options,
  signal: AbortSignal,
  reject: Reject,
): AsyncGenerator<{ raw: RecordBatch; united: RecordBatch }> {
  const { path, group } = place;
  let read = 0;
  try {
    for await (const raw of reader.read(place, { columns: checked, batchRows: batch_rows, signal })) {
      const first = group.firstRow + read;
      const own = checked === columns ? raw : onlyColumns(raw, columns!);
      const united = conform(own, fields, { file: path, rowAt: (row) => first + row });
      read += raw.numRows;
      yield { raw, united };
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

/** What is asked for of the columns that the files have in common. */
function fieldsOf(schema: Schema, columns: readonly string[] | undefined): readonly Field[] {
  if (!columns) return schema.fields;
  const asked = new Set(columns);
  return schema.fields.flatMap((field) => pruned(field, field.name, asked) ?? []);
}

/** What there is of it in a file; undefined for all of the file's columns. @param isNarrowed some were left out of `file` */
function columnsIn(
  file: Schema,
  common: Schema,
  columns: readonly string[] | undefined,
  isNarrowed: boolean,
): readonly string[] | undefined {
  if (columns) return columns.filter((column) => typeOf(file, column) !== undefined);
  const names = file.fields.map(({ name }) => name).filter((name) => typeOf(common, name) !== undefined);
  return names.length === file.fields.length && !isNarrowed ? undefined : names;
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
