import { randomUUID } from 'node:crypto';
import type { RecordBatch } from 'apache-arrow';
import { concatBatches } from '../pipeline/arrow/concat.js';
import { gatherBatch } from '../pipeline/arrow/gather.js';
import { SpillFile } from '../pipeline/arrow/ipc-spill.js';
import { closeAll } from '../pipeline/resources.js';

/** What is sorted in memory before buckets on disk are used, and what is spread over them at a time. */
const memoryBytes = 4e6;

/** Files that the rows are spread over; each is sorted alone, so memory is the output's size divided by this. */
const maxBuckets = 256;

/** Of a batch that is given out. */
const batchRows = 4096;
const batchBytes = 1e6;

/**
 * Rows in the order of a column of ranks (0, 1, 2, … in any order). A small input is sorted in memory, a large one
 * through buckets on disk: each row's bucket follows from its rank. The column's metadata say how many ranks there are.
 *
 * @param limit bytes of rows in memory from which on buckets are used
 */
export async function* inRankOrder(
  input: AsyncIterable<RecordBatch>,
  column: string,
  tempDir: string,
  limit = memoryBytes,
): AsyncGenerator<RecordBatch> {
  const buckets = new Buckets(column, tempDir);
  try {
    let held: RecordBatch[] = [];
    let bytes = 0;
    for await (const batch of input) {
      held.push(batch);
      bytes += batch.numRows === 0 ? 0 : batch.data.byteLength;
      if (bytes <= limit) continue;
      await buckets.add(held);
      held = [];
      bytes = 0;
    }
    if (buckets.isEmpty) {
      yield* sorted(held, column);
      return;
    }
    if (held.length > 0) await buckets.add(held);
    yield* buckets.read();
  } finally {
    await buckets.close();
  }
}

class Buckets {
  readonly #files: (SpillFile | undefined)[] = [];
  readonly #column: string;
  readonly #tempDir: string;

  constructor(column: string, tempDir: string) {
    this.#column = column;
    this.#tempDir = tempDir;
  }

  get isEmpty(): boolean {
    return this.#files.length === 0;
  }

  /** Spreads the rows of some batches over the buckets: of many at a time, as each piece costs a write. */
  async add(batches: readonly RecordBatch[]): Promise<void> {
    const all = concatBatches(batches);
    const width = Math.max(1, Math.ceil(rankedRows(all, this.#column) / maxBuckets));
    const rows = new Map<number, number[]>();
    for (const [row, rank] of ranksOf(all, this.#column).entries()) {
      const bucket = Math.min(maxBuckets - 1, Math.floor(rank / width));
      const known = rows.get(bucket);
      if (known) known.push(row);
      else rows.set(bucket, [row]);
    }
    for (const [bucket, own] of rows) {
      this.#files[bucket] ??= await SpillFile.create(this.#tempDir, `nag-ranks-${randomUUID()}.arrow`);
      await this.#files[bucket].append(gatherBatch(all, Uint32Array.from(own)));
    }
  }

  async *read(): AsyncGenerator<RecordBatch> {
    for (const file of this.#files) {
      if (!file) continue;
      const batches: RecordBatch[] = [];
      for await (const { batch } of file.read()) batches.push(batch);
      await file.close();
      yield* sorted(batches, this.#column);
    }
  }

  async close(): Promise<void> {
    await closeAll(this.#files.map((file) => () => file?.close()));
  }
}

function* sorted(batches: readonly RecordBatch[], column: string): Generator<RecordBatch> {
  if (batches.length === 0) return;
  const all = concatBatches(batches);
  const ranks = ranksOf(all, column);
  const order = Uint32Array.from(ranks.keys()).sort((a, b) => ranks[a]! - ranks[b]!);
  if (order.length === 0) yield all;
  const rowBytes = all.data.byteLength / Math.max(1, order.length);
  const step = Math.max(1, Math.min(batchRows, Math.floor(batchBytes / rowBytes)));
  for (let start = 0; start < order.length; start += step)
    yield gatherBatch(all, order.subarray(start, start + step));
}

/** How many rows there are in all, from the rank column's metadata. */
function rankedRows(batch: RecordBatch, column: string): number {
  return Number(batch.schema.fields.find((field) => field.name === column)?.metadata.get('nag.rows') ?? 0);
}

function ranksOf(batch: RecordBatch, column: string): Int32Array {
  return batch.getChild(column)!.toArray() as Int32Array;
}
