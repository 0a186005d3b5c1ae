import { availableParallelism } from 'node:os';
import type { RecordBatch } from 'apache-arrow';
import { DataError, messageOf } from '../errors.js';
import { DecoderThread, type Decoding } from './decoder-thread.js';
import { decodeBatch } from './ipc.js';
import { ParquetSource, type ReadOptions, type RowGroup, restored } from './parquet-file.js';

/** A row group, and the file that it is in. */
export interface RowGroupPlace {
  readonly path: string;
  readonly group: RowGroup;
  /** Unit of INT96 times, as for `ParquetSource.open`. */
  readonly int96?: 'us' | 'ns' | undefined;
}

/** When row groups are decoded in threads, and how many at a time. */
export interface ThreadUse {
  readonly threads: number;
  /** Bytes (uncompressed) that were decoded here before, and as many that are still to come. */
  readonly fromBytes: number;
  /** Share of the time since reading began that decoding took. */
  readonly fromShare: number;
  /** Bytes (uncompressed) of row groups in threads at a time, but for one of any size. */
  readonly mostBytes: number;
}

/**
 * A thread takes some tens of milliseconds to start and some tens of megabytes: it is worth them where much is read, and
 * no model is what the reading waits for.
 */
const usual: ThreadUse = {
  threads: Math.min(4, availableParallelism()),
  fromBytes: 32e6,
  fromShare: 0.25,
  mostBytes: 128e6,
};

type Options = Pick<ReadOptions, 'columns' | 'batchRows' | 'signal'>;

interface Ahead {
  readonly place: RowGroupPlace;
  readonly options: Options;
  readonly decoding: Decoding;
}

/**
 * Reads row groups of local Parquet files, which are given in the order in which they will mostly be asked for. Where
 * that pays, they are decoded in threads, those that come next at the same time. It must be closed.
 */
export class RowGroupReader {
  readonly #order: readonly RowGroupPlace[];
  readonly #positions: ReadonlyMap<RowGroupPlace, number>;
  readonly #use: ThreadUse;
  /** A file between two of its row groups: its footer, which may be long, is read once. */
  #idle: ParquetSource | undefined;
  #last = -1;
  #pace = { since: 0, decoding: 0, bytes: 0 };
  #threads: DecoderThread[] = [];
  /** Decoded before they are asked for, in their order. */
  #ahead: Ahead[] = [];

  constructor(order: readonly RowGroupPlace[], use: ThreadUse = usual) {
    this.#order = order;
    this.#positions = new Map(order.map((place, position) => [place, position]));
    this.#use = use;
  }

  /** Whether row groups are decoded in threads by now. */
  get threaded(): boolean {
    return this.#threads.length > 0;
  }

  /**
   * Batches of a row group, as `ParquetSource.read` gives them.
   * Errors: DataError where the file cannot be opened, or the row group not decoded; the signal's reason.
   */
  async *read(place: RowGroupPlace, options: Options): AsyncGenerator<RecordBatch, void, undefined> {
    const position = this.#positions.get(place) ?? 0;
    const inTurn = position === this.#last + 1;
    if (position <= this.#last) this.#pace = { since: 0, decoding: 0, bytes: 0 };
    this.#last = position;
    if (!this.threaded && this.#paysFrom(position, options)) this.#start();
    // Row groups of no columns are only counted.
    const decoding = options.columns?.length === 0 ? undefined : this.#decodingOf(place, options);
    if (!decoding) {
      yield* this.#readHere(place, position, options);
      return;
    }
    let row = place.group.firstRow;
    try {
      for (;;) {
        options.signal?.throwIfAborted();
        if (inTurn) this.#lookAhead(position, options);
        const encoded = await decoding.next();
        if (!encoded) return;
        const batch = restored(decoded(encoded, place), place.path, row);
        row += batch.numRows;
        if (batch.numRows > 0) yield batch;
      }
    } finally {
      decoding.stop();
    }
  }

  /** Reads under way end with an error. */
  async close(): Promise<void> {
    const [threads, idle] = [this.#threads, this.#idle];
    this.#threads = [];
    this.#ahead = [];
    this.#idle = undefined;
    await Promise.all([...threads.map((thread) => thread.close()), idle?.close()]);
  }

  async *#readHere(place: RowGroupPlace, position: number, options: Options): AsyncGenerator<RecordBatch> {
    const idle = this.#idle;
    if (idle?.path === place.path) this.#idle = undefined;
    const source =
      idle?.path === place.path ? idle : await ParquetSource.open(place.path, { int96: place.int96 });
    let whole = false;
    try {
      const batches = source.read({ rowGroups: [place.group.index], ...options });
      const pace = this.#pace;
      for (;;) {
        const start = performance.now();
        pace.since ||= start;
        const { done, value } = await batches.next();
        pace.decoding += performance.now() - start;
        if (done) break;
        yield value;
      }
      pace.bytes += place.group.columnBytes(options.columns);
      whole = true;
    } finally {
      if (whole && this.#order[position + 1]?.path === place.path) await this.#keepOpen(source);
      else await source.close();
    }
  }

  async #keepOpen(source: ParquetSource): Promise<void> {
    const before = this.#idle;
    this.#idle = source;
    await before?.close();
  }

  #paysFrom(position: number, { columns }: Options): boolean {
    const { since, decoding, bytes } = this.#pace;
    const { threads, fromBytes, fromShare } = this.#use;
    if (threads === 0 || bytes < fromBytes || decoding < fromShare * (performance.now() - since))
      return false;
    let toCome = 0;
    for (let at = position; at < this.#order.length && toCome < fromBytes; at++)
      toCome += this.#order[at]!.group.columnBytes(columns);
    return toCome >= fromBytes;
  }

  #start(): void {
    this.#threads = Array.from({ length: this.#use.threads }, () => new DecoderThread());
  }

  /** What was decoded ahead, or is now; undefined where no thread is free, as when several read at the same time. */
  #decodingOf(place: RowGroupPlace, options: Options): Decoding | undefined {
    const first = this.#ahead.shift();
    if (first?.place === place && sameOptions(first.options, options)) return first.decoding;
    // Another was asked for than was expected.
    first?.decoding.stop();
    for (const { decoding } of this.#ahead.splice(0)) decoding.stop();
    return this.#decode(place, options);
  }

  #decode({ path, group, int96 }: RowGroupPlace, { columns, batchRows }: Options): Decoding | undefined {
    return this.#threads
      .find((thread) => thread.free)
      ?.decode({ path, rowGroup: group.index, columns, batchRows, int96 });
  }

  #lookAhead(position: number, options: Options): void {
    const bytesOf = ({ group }: RowGroupPlace) => group.columnBytes(options.columns);
    for (;;) {
      const next = this.#order[position + 1 + this.#ahead.length];
      if (!next || next.group.rows === 0 || !this.#threads.some((thread) => thread.free)) return;
      const under = this.#ahead.reduce(
        (sum, { place }) => sum + bytesOf(place),
        bytesOf(this.#order[position]!),
      );
      if (under + bytesOf(next) > this.#use.mostBytes) return;
      const decoding = this.#decode(next, options);
      if (!decoding) return;
      this.#ahead.push({ place: next, options, decoding });
    }
  }
}

function sameOptions(a: Options, b: Options): boolean {
  return a.batchRows === b.batchRows && String(a.columns) === String(b.columns);
}

function decoded(encoded: Uint8Array, { path, group }: RowGroupPlace): RecordBatch {
  try {
    return decodeBatch(encoded);
  } catch (cause) {
    const message = `row group ${group.index} cannot be decoded: ${messageOf(cause)}`;
    throw new DataError({ file: path }, message, { cause });
  }
}
