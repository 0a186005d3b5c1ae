import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDiskFull, NagError } from './errors.js';
import { mergeRuns, type Run, removeRun, writeRun } from './sorted-run.js';

/** Measured: a view of a record costs about this much beside its bytes. */
const VIEW_BYTES = 128;
const CHUNK_BYTES = 1 << 20;
const MAX_OPEN_RUNS = 64;

export interface ExternalSortOptions {
  /** Where runs are written, in a folder of their own that `close` removes; made when missing. */
  readonly dir: string;
  /** About how much memory the records and, while merging, the read buffers may take. */
  readonly memoryBytes: number;
  /** Order of two records; records that compare equal keep the order in which they were added. */
  readonly compare: (a: Uint8Array, b: Uint8Array) => number;
}

/**
 * Sorts byte records that need not fit into memory: runs are sorted in memory, written to files, and merged. Where
 * all records fit, nothing is written. Await `add`, then read `sorted` once, then `close` in any case.
 */
export class ExternalSort {
  readonly #options: ExternalSortOptions;
  #records: Uint8Array[] = [];
  #held = 0;
  #chunk = new Uint8Array(0);
  #chunkEnd = 0;
  #runs: Run[] = [];
  #folder: string | undefined;
  #files = 0;
  #spilled = 0;
  #spilling: Promise<void> | undefined;
  #state: 'adding' | 'sorted' | 'failed' | 'closed' = 'adding';

  constructor(options: ExternalSortOptions) {
    this.#options = options;
  }

  /** Bytes written to disk so far, merge passes included. */
  get spilledBytes(): number {
    return this.#spilled;
  }

  /**
   * Takes a copy of the record. A promise is returned when memory is full: await it before the next `add`.
   * @throws NagError naming the folder when a run cannot be written (a full disk)
   */
  add(record: Uint8Array): Promise<void> | void {
    this.#expect('adding');
    if (this.#spilling !== undefined) throw new Error('add: the promise of an earlier add was not awaited');
    this.#records.push(this.#copy(record));
    this.#held += record.length + VIEW_BYTES;
    if (this.#held >= this.#options.memoryBytes) return this.#spill();
  }

  /**
   * All records in order; no more can be added. A record is a view that is good until the next one is asked for.
   * @throws NagError naming the folder when runs cannot be read or merged
   */
  async *sorted(): AsyncGenerator<Uint8Array> {
    this.#expect('adding');
    this.#state = 'sorted';
    if (this.#runs.length === 0) {
      yield* this.#takeSorted();
      return;
    }
    if (this.#records.length > 0) await this.#spill();
    await this.#onDisk(() => this.#reduceRuns());
    const batches = mergeRuns(this.#runs, this.#options.compare, this.#options.memoryBytes);
    try {
      for (;;) {
        const next = await this.#onDisk(() => batches.next());
        if (next.done) return;
        yield* next.value;
      }
    } finally {
      await batches.return(undefined);
    }
  }

  /** Removes the files; what was read from `sorted` must not be used afterwards. May be called twice. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#records = [];
    this.#chunk = new Uint8Array(0);
    await this.#spilling?.catch(() => undefined);
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  #expect(state: 'adding'): void {
    if (this.#state === state) return;
    if (this.#state === 'failed') throw new Error('the sort has failed before and is not complete');
    throw new Error(`the sort is ${this.#state}: it takes and gives records once`);
  }

  /** Copies into shared chunks: a small array of its own costs a record far more than its bytes. */
  #copy(record: Uint8Array): Uint8Array {
    if (this.#chunkEnd + record.length > this.#chunk.length) {
      this.#chunk = new Uint8Array(Math.max(record.length, this.#chunkSize()));
      this.#chunkEnd = 0;
    }
    const start = this.#chunkEnd;
    this.#chunk.set(record, start);
    this.#chunkEnd += record.length;
    return this.#chunk.subarray(start, this.#chunkEnd);
  }

  #chunkSize(): number {
    return Math.min(CHUNK_BYTES, Math.max(1024, this.#options.memoryBytes >>> 4));
  }

  #takeSorted(): Uint8Array[] {
    const records = this.#records.sort(this.#options.compare);
    this.#records = [];
    this.#held = 0;
    this.#chunk = new Uint8Array(0);
    this.#chunkEnd = 0;
    return records;
  }

  #spill(): Promise<void> {
    const records = this.#takeSorted();
    this.#spilling = this.#onDisk(async () => {
      this.#runs.push(await this.#write([records]));
    }).finally(() => {
      this.#spilling = undefined;
    });
    return this.#spilling;
  }

  async #write(batches: Iterable<Uint8Array[]> | AsyncIterable<Uint8Array[]>): Promise<Run> {
    if (this.#folder === undefined) {
      await mkdir(this.#options.dir, { recursive: true });
      this.#folder = await mkdtemp(join(this.#options.dir, 'sort-'));
    }
    const run = await writeRun(join(this.#folder, `run-${this.#files++}`), batches);
    this.#spilled += run.bytes;
    return run;
  }

  /** Merges the smallest neighbours until all runs can be open at once; neighbours, so that equal records keep their order. */
  async #reduceRuns(): Promise<void> {
    while (this.#runs.length > MAX_OPEN_RUNS) {
      const count = Math.min(MAX_OPEN_RUNS, this.#runs.length - MAX_OPEN_RUNS + 1);
      const first = smallestWindow(this.#runs, count);
      const merging = this.#runs.slice(first, first + count);
      const { compare, memoryBytes } = this.#options;
      const run = await this.#write(mergeRuns(merging, compare, memoryBytes));
      this.#runs.splice(first, count, run);
      for (const merged of merging) await removeRun(merged);
    }
  }

  async #onDisk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // What was to be written is lost: going on would give a result with a gap.
      if (this.#state !== 'closed') this.#state = 'failed';
      throw diskError(this.#options.dir, error);
    }
  }
}

function smallestWindow(runs: readonly Run[], count: number): number {
  let best = 0;
  let smallest = Infinity;
  for (let first = 0; first + count <= runs.length; first++) {
    const bytes = runs.slice(first, first + count).reduce((sum, run) => sum + run.bytes, 0);
    if (bytes < smallest) [best, smallest] = [first, bytes];
  }
  return best;
}

/** Failures of the file system are the user's to solve; anything else is passed on. */
function diskError(dir: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const message = isDiskFull(error)
    ? `${dir}: the disk is full while sorting: free some space, or sort in a folder of another disk`
    : `${dir}: cannot sort in this folder: ${error.message}`;
  return new NagError(message, { cause: error });
}
