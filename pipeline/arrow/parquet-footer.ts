import { RecordBatchReader, type Schema } from 'apache-arrow';
import type { Compression, ParquetFile, ParquetMetaData, RowGroupMetaData } from 'parquet-wasm';
import { DataError } from '../errors.js';
import { ARROW_SCHEMA } from './footer-help.js';
import { restoredSchema } from './restore.js';
import type { ParquetWasm } from './wasm.js';

export interface RowGroup {
  readonly index: number;
  readonly rows: number;
  /** Number of rows in the row groups before it. */
  readonly firstRow: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  /** Whether something in it has the deprecated codec LZ4, which Hadoop and Spark frame in their own way. */
  readonly hadoopLz4?: boolean;
  /** Uncompressed bytes of these columns (names as for `read`; absent: all), which is what decoding takes at least. */
  columnBytes(columns?: readonly string[]): number;
}

/** A primitive column: what Parquet stores. */
export interface Leaf {
  /** Dotted path; `tags.list.element` for a list column `tags`. */
  readonly path: string;
}

export interface Footer {
  readonly schema: Schema;
  readonly rows: number;
  readonly rowGroups: readonly RowGroup[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly leaves: readonly Leaf[];
}

/** Errors: what the library throws, DataError for a footer at odds with itself. */
export async function readFooter(wasm: ParquetWasm, file: ParquetFile, path: string): Promise<Footer> {
  const schema = restoredSchema(await wasm.run(() => arrowSchema(file)));
  const metadata = await wasm.run(() => file.metadata());
  try {
    return await wasm.run(() => ({ schema, ...describe(wasm, metadata, schema, path) }));
  } finally {
    wasm.free(metadata);
  }
}

/** True for `path` itself and for what is nested in it. */
export function isUnder(leaf: string, path: string): boolean {
  return leaf === path || leaf.startsWith(`${path}.`);
}

/** The schema of a file as the decoder gives it. */
export function arrowSchema(file: ParquetFile): Schema {
  const reader = RecordBatchReader.from(file.schema().intoIPCStream()).open();
  return reader.schema;
}

function describe(
  wasm: ParquetWasm,
  metadata: ParquetMetaData,
  schema: Schema,
  path: string,
): Omit<Footer, 'schema'> {
  const general = metadata.fileMetadata();
  const total = general.numRows();
  const pairs: Map<string, string | undefined> = general.keyValueMetadata();
  general.free();
  const groups = metadata.rowGroups();
  const leaves = leafPaths(groups[0], schema);
  const { LZO: lzo, LZ4: lz4 } = wasm.library.Compression;
  let firstRow = 0;
  const rowGroups = groups.map((group, index) => {
    let hadoopLz4 = false;
    const described = describeRowGroup(group, index, firstRow, leaves, (codec, column) => {
      checkCodec(codec, lzo, column, path);
      hadoopLz4 ||= codec === lz4;
    });
    firstRow += described.rows;
    group.free();
    return hadoopLz4 ? { ...described, hadoopLz4 } : described;
  });
  if (firstRow !== total) {
    throw new DataError(
      { file: path },
      `its footer is corrupt: ${total} rows in all, but ${firstRow} in its row groups`,
    );
  }
  return { rows: total, rowGroups, leaves, metadata: withoutArrowSchema(pairs) };
}

function describeRowGroup(
  group: RowGroupMetaData,
  index: number,
  firstRow: number,
  leaves: readonly Leaf[],
  check: (codec: Compression, column: string) => void,
): RowGroup {
  const sizes = new Float64Array(leaves.length);
  group.columns().forEach((column, leaf) => {
    sizes[leaf] = column.uncompressedSize();
    check(column.compression(), leaves[leaf]?.path ?? '');
    column.free();
  });
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  return {
    index,
    rows: group.numRows(),
    firstRow,
    uncompressedBytes: total,
    compressedBytes: group.compressedSize(),
    columnBytes: (columns) =>
      columns === undefined
        ? total
        : leaves.reduce(
            (sum, { path }, leaf) => (columns.some((name) => isUnder(path, name)) ? sum + sizes[leaf]! : sum),
            0,
          ),
  };
}

/** LZO is the one codec of Parquet that the library lacks; reading it would panic. */
function checkCodec(codec: Compression, lzo: Compression, column: string, path: string): void {
  if (codec !== lzo) return;
  const message = 'is compressed with LZO, which is not supported; rewrite the file with zstd or snappy';
  throw new DataError({ file: path, column }, message);
}

/** Without a row group the file holds no leaf paths in reach; those of the schema's fields serve to check names. */
function leafPaths(group: RowGroupMetaData | undefined, schema: Schema): Leaf[] {
  if (!group) return schema.fields.flatMap((field) => fieldPaths(field.name, field.type.children ?? []));
  return group.columns().map((column) => {
    const path = column.columnPath().join('.');
    column.free();
    return { path };
  });
}

function fieldPaths(path: string, children: Schema['fields']): Leaf[] {
  if (children.length === 0) return [{ path }];
  return children.flatMap((child) => fieldPaths(`${path}.${child.name}`, child.type.children ?? []));
}

/** The reader has applied it, and it would be wrong in a copy with other columns. */
function withoutArrowSchema(pairs: Map<string, string | undefined>): Map<string, string> {
  const metadata = new Map<string, string>();
  for (const [key, value] of pairs) if (key !== ARROW_SCHEMA) metadata.set(key, value ?? '');
  return metadata;
}
