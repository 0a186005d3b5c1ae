import type { RecordBatch } from 'apache-arrow';
import { concatBatches } from '../pipeline/arrow/concat.js';
import { gatherBatch } from '../pipeline/arrow/gather.js';
import { SpillFile } from '../pipeline/arrow/ipc-spill.js';

/** What is sorted in memory before buckets on disk are used. */
const memoryBytes = 128e6;

/** Files that the rows are spread over; each is sorted alone, so memory is the output's size divided by this. */
const maxBuckets = 256;

const batchRows = 4096;

/**
 * Rows in the order of a column of ranks (0, 1, 2, … in any order, each once). A small input is sorted in memory, a
 * large one through buckets on disk: each row's bucket follows from its rank.
 */
export async function* inRankOrder(
  input: AsyncIterable<RecordBatch>,
  column: string,
  tempDir: string,
  limit = memoryBytes,
): AsyncGenerator<RecordBatch> {
  const held: RecordBatch[] = [];
  let bytes = 0;
  const batches = input[Symbol.asyncIterator]();
  for (let next = await batches.next(); !next.done; next = await batches.next()) {
    held.push(next.value);
    bytes += next.value.data.byteLength;
    if (bytes <= limit) continue;
    yield* throughBuckets([...held.splice(0)], { [Symbol.asyncIterator]: () => batches }, column, tempDir);
    return;
  }
  yield* sorted(held, column);
}

async function* throughBuckets(
  held: readonly RecordBatch[],
  rest: AsyncIterable<RecordBatch>,
  column: string,
  tempDir: string,
): AsyncGenerator<RecordBatch> {
  const buckets = new Buckets(rankedRows(held[0]!, column), column, tempDir);
  try {
    for (const batch of held) await buckets.add(batch);
    for await (const batch of rest) await buckets.add(batch);
    yield* buckets.read();
  } finally {
    await buckets.close();
  }
}

/** How many rows there are in all, from the rank column's metadata. */
function rankedRows(batch: RecordBatch, column: string): number {
  return Number(batch.schema.fields.find((field) => field.name === column)?.metadata.get('nag.rows') ?? 0);
}

class Buckets {
  readonly #files: (SpillFile | undefined)[] = [];
  readonly #rows: number;

  constructor(
    rows: number,
    private readonly column: string,
    private readonly tempDir: string,
  ) {
    this.#rows = Math.max(1, Math.ceil(rows / maxBuckets));
  }

  async add(batch: RecordBatch): Promise<void> {
    const ranks = ranksOf(batch, this.column);
    const positions = new Map<number, number[]>();
    for (const [row, rank] of ranks.entries()) {
      const bucket = Math.floor(rank / this.#rows);
      const known = positions.get(bucket);
      if (known) known.push(row);
      else positions.set(bucket, [row]);
    }
    for (const [bucket, rows] of positions) {
      this.#files[bucket] ??= await SpillFile.create(
        this.tempDir,
        `nag-ranks-${process.pid}-${bucketCount++}.arrow`,
      );
      await this.#files[bucket]!.append(gatherBatch(batch, Uint32Array.from(rows)));
    }
  }

  async *read(): AsyncGenerator<RecordBatch> {
    for (const file of this.#files) {
      if (!file) continue;
      const batches: RecordBatch[] = [];
      for await (const { batch } of file.read()) batches.push(batch);
      await file.close();
      yield* sorted(batches, this.column);
    }
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file?.close();
  }
}

let bucketCount = 0;

function* sorted(batches: readonly RecordBatch[], column: string): Generator<RecordBatch> {
  if (batches.length === 0) return;
  const all = concatBatches(batches);
  const ranks = ranksOf(all, column);
  const order = Uint32Array.from(ranks.keys()).sort((a, b) => ranks[a]! - ranks[b]!);
  if (order.length === 0) yield all;
  for (let start = 0; start < order.length; start += batchRows)
    yield gatherBatch(all, order.subarray(start, start + batchRows));
}

function ranksOf(batch: RecordBatch, column: string): Int32Array {
  return batch.getChild(column)!.toArray() as Int32Array;
}
