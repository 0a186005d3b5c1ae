import { type FileHandle, open, rm } from 'node:fs/promises';
import { NagError } from './errors.js';

/** Each record is preceded by its length, 4 bytes little-endian. */
const PREFIX = 4;
const WRITE_BYTES = 1 << 20;
const BATCH = 1024;

/** A file of records in order. */
export interface Run {
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
}

type Compare = (a: Uint8Array, b: Uint8Array) => number;

/** Writes batches of sorted records; a file that could not be finished is left for the folder's owner to remove. */
export async function writeRun(
  path: string,
  batches: Iterable<Uint8Array[]> | AsyncIterable<Uint8Array[]>,
): Promise<Run> {
  const file = await open(path, 'wx');
  try {
    const buffer = Buffer.allocUnsafe(WRITE_BYTES);
    let [end, bytes, records] = [0, 0, 0];
    const flush = async () => {
      await writeAll(file, buffer.subarray(0, end));
      end = 0;
    };
    for await (const batch of batches) {
      for (const record of batch) {
        if (end + PREFIX + record.length > buffer.length) await flush();
        end = buffer.writeUInt32LE(record.length, end);
        if (end + record.length <= buffer.length) {
          buffer.set(record, end);
          end += record.length;
        } else {
          await flush();
          await writeAll(file, record);
        }
        bytes += PREFIX + record.length;
        records++;
      }
    }
    await flush();
    return { path, records, bytes };
  } finally {
    await file.close();
  }
}

export async function removeRun(run: Run): Promise<void> {
  await rm(run.path);
}

/**
 * Merges sorted runs into batches of sorted records; of records that compare equal, those of the earlier run come
 * first. The views in a batch are good until the next batch is asked for. Files are closed at the end and on return.
 * @param memoryBytes shared out among the runs' read buffers, of which each is 4 KiB to 1 MiB, or one record
 */
export async function* mergeRuns(
  runs: readonly Run[],
  compare: Compare,
  memoryBytes: number,
): AsyncGenerator<Uint8Array[]> {
  const size = Math.min(1 << 20, Math.max(4096, Math.floor(memoryBytes / (2 * runs.length))));
  const readers: Reader[] = [];
  try {
    for (const run of runs) readers.push(await openReader(run, readers.length, size));
    for (const reader of readers) if (!advance(reader)) await refill(reader);
    yield* merge(readers, compare);
  } finally {
    for (const reader of readers) await reader.file.close();
  }
}

async function* merge(readers: readonly Reader[], compare: Compare): AsyncGenerator<Uint8Array[]> {
  const before = (a: Reader, b: Reader) => (compare(a.current!, b.current!) || a.index - b.index) < 0;
  const heap = readers.filter((reader) => reader.current !== undefined);
  for (let i = heap.length >>> 1; i-- > 0; ) siftDown(heap, i, before);
  let batch: Uint8Array[] = [];
  for (let reader = heap[0]; reader !== undefined; reader = heap[0]) {
    batch.push(reader.current!);
    const buffered = advance(reader);
    if (!buffered || batch.length === BATCH) {
      yield batch;
      batch = [];
    }
    if (!buffered) await refill(reader);
    const last = reader.current === undefined ? heap.pop() : undefined;
    if (last !== undefined && last !== reader) heap[0] = last;
    siftDown(heap, 0, before);
  }
  if (batch.length > 0) yield batch;
}

/** Reads one run; `current` is a view of the buffer, and undefined at the end. */
interface Reader {
  readonly file: FileHandle;
  readonly path: string;
  /** Decides between records that compare equal. */
  readonly index: number;
  buffer: Buffer;
  at: number;
  end: number;
  recordsLeft: number;
  current: Uint8Array | undefined;
}

async function openReader(run: Run, index: number, size: number): Promise<Reader> {
  const file = await open(run.path, 'r');
  return {
    file,
    path: run.path,
    index,
    buffer: Buffer.allocUnsafe(size),
    at: 0,
    end: 0,
    recordsLeft: run.records,
    current: undefined,
  };
}

/** Steps to the next record; false when it is not wholly in the buffer. */
function advance(reader: Reader): boolean {
  reader.current = undefined;
  if (reader.recordsLeft === 0) return true;
  const start = reader.at + PREFIX;
  if (start > reader.end) return false;
  const next = start + reader.buffer.readUInt32LE(reader.at);
  if (next > reader.end) return false;
  reader.current = reader.buffer.subarray(start, next);
  reader.at = next;
  reader.recordsLeft--;
  return true;
}

/** Overwrites the records read so far by those that follow. */
async function refill(reader: Reader): Promise<void> {
  do {
    const rest = reader.end - reader.at;
    const needed = rest < PREFIX ? PREFIX : PREFIX + reader.buffer.readUInt32LE(reader.at);
    const into = needed > reader.buffer.length ? Buffer.allocUnsafe(needed) : reader.buffer;
    reader.buffer.copy(into, 0, reader.at, reader.end);
    reader.buffer = into;
    reader.at = 0;
    const { bytesRead } = await reader.file.read(into, rest, into.length - rest, null);
    if (bytesRead === 0) throw new NagError(`${reader.path}: the file is shorter than it was written`);
    reader.end = rest + bytesRead;
  } while (!advance(reader));
}

function siftDown(heap: Reader[], from: number, before: (a: Reader, b: Reader) => boolean): void {
  const moving = heap[from];
  if (moving === undefined) return;
  let i = from;
  for (let child = 2 * i + 1; child < heap.length; child = 2 * i + 1) {
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, moving)) break;
    heap[i] = heap[child]!;
    i = child;
  }
  heap[i] = moving;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
  }
}
