import { makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import type { RecordBatch as WasmBatch } from 'parquet-wasm';
import { DataError, NagError } from '../errors.js';
import type { ReadAs } from './arrow-hint.js';
import { decodeBatch } from './ipc.js';
import { type Footer, isUnder, type Leaf, type RowGroup, readFooter } from './parquet-footer.js';
import { BAD_FOOTER, closeParquet, explainReadError, type OpenParquet, openParquet } from './parquet-open.js';
import { restoreBatch } from './restore.js';
import { WasmPanic } from './wasm.js';

export type { RowGroup } from './parquet-footer.js';

export interface ReadOptions {
  /** Indices of row groups, read in this order. */
  readonly rowGroups: readonly number[];
  /**
   * Top-level columns, or dotted paths of nested ones (`meta.docid`). Absent: all. Empty: none, only row counts.
   * Columns come in the file's order.
   */
  readonly columns?: readonly string[] | undefined;
  /** Most rows in a batch, at least 1. Batches of large rows have fewer: about 1 MiB. */
  readonly batchRows: number;
  readonly signal?: AbortSignal | undefined;
}

/** Every stage on the way may hold on to the batch that it saw last. */
const BATCH_BYTES = 2 ** 20;
/** Row groups past this size have been seen to exhaust the decoder's memory. */
const MANY_MIB = 1024;

/**
 * An open Parquet file on the local disk, of any size. A whole row group is decoded before its first batch comes:
 * `RowGroup.columnBytes` tells beforehand what that takes.
 */
export class ParquetSource {
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly schema: Schema;
  readonly rowGroups: readonly RowGroup[];
  readonly rows: number;
  /** Key-value pairs of the footer, without the encoded Arrow schema. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly #leaves: readonly Leaf[];
  #opened: OpenParquet;
  #how: ReadAs;
  readonly #readers = new Set<ReadableStreamDefaultReader<WasmBatch>>();
  #closed = false;

  private constructor(path: string, opened: OpenParquet, footer: Footer, how: ReadAs) {
    this.path = path;
    this.size = opened.size;
    this.#opened = opened;
    this.#how = how;
    this.schema = footer.schema;
    this.rowGroups = footer.rowGroups;
    this.rows = footer.rows;
    this.metadata = footer.metadata;
    this.#leaves = footer.leaves;
  }

  /** Errors: DataError when the file cannot be read or is not a Parquet file that can be decoded. */
  static async open(path: string, how: ReadAs = {}): Promise<ParquetSource> {
    const opened = await openParquet(path, how);
    try {
      const footer = await readFooter(opened.wasm, opened.file, path);
      return new ParquetSource(path, opened, footer, how);
    } catch (thrown) {
      await closeParquet(opened);
      throw explainReadError(thrown, path, BAD_FOOTER, opened.failure);
    }
  }

  /**
   * Batches of these row groups; no batch spans two of them, none is empty. Every batch owns its memory.
   * Errors: DataError for a column that is not there, a row group that cannot be decoded (naming it), a file that
   * changes meanwhile; the signal's reason.
   */
  async *read(options: ReadOptions): AsyncGenerator<RecordBatch, void, undefined> {
    const columns = options.columns && this.#checkColumns(options.columns);
    this.#checkReadable(columns);
    for (const group of this.#groups(options)) {
      if (columns?.length === 0) {
        yield* countRows(group, options);
        continue;
      }
      let row = group.firstRow;
      for await (const encoded of this.#readRowGroup(group, columns, options)) {
        const batch = restored(
          await this.#decode(group, columns, () => decodeBatch(encoded)),
          this.path,
          row,
        );
        row += batch.numRows;
        if (batch.numRows > 0) yield batch;
      }
    }
  }

  /** As `read`, some columns at least, each batch as an Arrow IPC stream in memory of its own: to be handed to another thread. */
  async *readEncoded(options: ReadOptions): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    const columns = options.columns && this.#checkColumns(options.columns);
    this.#checkReadable(columns);
    for (const group of this.#groups(options)) yield* this.#readRowGroup(group, columns, options);
  }

  /** Closes the file and frees what was decoded. Reads under way end with an error. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#readers].map((reader) => this.#cancel(reader)));
    await closeParquet(this.#opened);
  }

  #groups({ rowGroups }: ReadOptions): RowGroup[] {
    return rowGroups.map((index) => {
      const group = this.rowGroups[index];
      if (!group) throw new NagError(`${this.path}: no row group ${index}, it has ${this.rowGroups.length}`);
      return group;
    });
  }

  /**
   * A row group that cannot be decoded is tried once more with its text as bytes: text that is no valid UTF-8 is what the
   * decoder gives up at most often, without saying so.
   */
  async *#readRowGroup(
    group: RowGroup,
    columns: string[] | undefined,
    options: ReadOptions,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    let done = 0;
    try {
      for await (const { encoded, rows } of this.#decodeRowGroup(group, columns, options)) {
        done += rows;
        yield encoded;
      }
    } catch (thrown) {
      if (this.#closed || !(await this.#becomesTolerant(thrown, group, columns))) throw thrown;
      let before = 0;
      for await (const { encoded, rows } of this.#decodeRowGroup(group, columns, options)) {
        before += rows;
        if (before > done) yield encoded;
      }
    }
  }

  /** Opens the file again so that text is not checked, if that is what may help. */
  async #becomesTolerant(thrown: unknown, group: RowGroup, columns: string[] | undefined): Promise<boolean> {
    const panicked = thrown instanceof DataError && thrown.cause instanceof WasmPanic;
    if (!panicked || this.#how.textAsBytes || group.columnBytes(columns) > MANY_MIB * 2 ** 20) return false;
    const how = { ...this.#how, textAsBytes: true };
    const opened = await openParquet(this.path, how);
    const before = this.#opened;
    this.#opened = opened;
    this.#how = how;
    await closeParquet(before);
    return true;
  }

  async *#decodeRowGroup(
    group: RowGroup,
    columns: string[] | undefined,
    options: ReadOptions,
  ): AsyncGenerator<{ encoded: Uint8Array<ArrayBuffer>; rows: number }, void, undefined> {
    options.signal?.throwIfAborted();
    if (group.rows === 0) return;
    const request = {
      rowGroups: [group.index],
      batchSize: Math.min(options.batchRows, rowsOfBytes(group, columns, BATCH_BYTES)),
      ...(columns && { columns }),
    };
    const decode = <T>(work: () => T | PromiseLike<T>): Promise<T> => this.#decode(group, columns, work);
    const stream = await decode(() => this.#opened.file.stream(request));
    const reader: ReadableStreamDefaultReader<WasmBatch> = stream.getReader();
    this.#readers.add(reader);
    let rows = 0;
    try {
      for (;;) {
        options.signal?.throwIfAborted();
        const { done, value } = await decode(() => reader.read());
        if (done) break;
        const own = value.numRows;
        rows += own;
        // This copies the batch out of WASM memory, which it leaves.
        const encoded = await decode(() => value.intoIPCStream() as Uint8Array<ArrayBuffer>);
        yield { encoded, rows: own };
      }
    } finally {
      await this.#cancel(reader);
    }
    if (rows !== group.rows) {
      const message = `row group ${group.index} gave ${rows} rows where the footer says ${group.rows}: it is corrupt`;
      throw new DataError({ file: this.path }, message);
    }
  }

  /** Frees what a stream holds. It has failed already where this fails. */
  async #cancel(reader: ReadableStreamDefaultReader<WasmBatch>): Promise<void> {
    if (!this.#readers.delete(reader) || this.#opened.wasm.broken) return;
    await reader.cancel().catch(() => undefined);
  }

  async #decode<T>(
    group: RowGroup,
    columns: string[] | undefined,
    work: () => T | PromiseLike<T>,
  ): Promise<T> {
    try {
      this.#checkOpen();
      const result = await this.#opened.wasm.run(work);
      this.#checkOpen();
      return result;
    } catch (thrown) {
      const mib = Math.ceil(group.columnBytes(columns) / 2 ** 20);
      const what = `row group ${group.index} (${mib} MiB when decompressed) cannot be decoded`;
      // The decoder's errors while it decodes are panics, which do not say what happened.
      const panic =
        mib > MANY_MIB
          ? 'it is corrupt or, more likely, too large for the decoder, whose memory ends at 4 GiB; rewrite the file with smaller row groups'
          : group.hadoopLz4
            ? "it is compressed with LZ4 in Hadoop's framing, of which the decoder knows only pages of one block; rewrite the file with zstd, snappy or lz4_raw (or it is corrupt)"
            : 'its pages are corrupt';
      throw explainReadError(thrown, this.path, what, this.#opened.failure, panic);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new NagError(`${this.path}: was closed while it was being read`);
  }

  #checkColumns(columns: readonly string[]): string[] {
    for (const column of columns) {
      if (!this.#leaves.some((leaf) => isUnder(leaf.path, column))) {
        const names = this.schema.fields.map((field) => field.name).join(', ');
        throw new DataError({ file: this.path, column }, `is not in the file; its columns: ${names}`);
      }
    }
    return [...new Set(columns)];
  }

  /** Errors: DataError for a column that is wanted, and cannot be decoded. */
  #checkReadable(columns: readonly string[] | undefined): void {
    for (const [leaf, reason] of this.#opened.unreadable) {
      if (columns && !columns.some((column) => isUnder(leaf, column))) continue;
      const tops = [...this.#opened.unreadable.keys()].map((path) => path.split('.')[0]);
      const names = [...new Set(tops)].join(', ');
      throw new DataError(
        { file: this.path, column: leaf },
        `${reason}: it cannot be read; leave it out with without: [${names}] on the stage that reads it`,
      );
    }
  }
}

/** A decoded batch with its final types. @param first its first row in the file. Errors: DataError, naming the row */
export function restored(batch: RecordBatch, path: string, first: number): RecordBatch {
  try {
    return restoreBatch(batch);
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    const { row = 0, column } = cause.place;
    throw new DataError({ file: path, row: first + row, column }, cause.reason, { cause });
  }
}

function rowsOfBytes(group: RowGroup, columns: string[] | undefined, bytes: number): number {
  const rowBytes = group.columnBytes(columns) / group.rows;
  return Math.max(1, Math.min(group.rows, Math.floor(bytes / Math.max(rowBytes, 1))));
}

function* countRows(group: RowGroup, { batchRows, signal }: ReadOptions): Generator<RecordBatch> {
  const type = new Struct([]);
  for (let row = 0; row < group.rows; row += batchRows) {
    signal?.throwIfAborted();
    const length = Math.min(batchRows, group.rows - row);
    yield new RecordBatch(new Schema([]), makeData({ type, length, nullCount: 0, children: [] }));
  }
}
