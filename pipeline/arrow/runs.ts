import { NagError } from '../errors.js';

/** Rows to copy, as runs of neighbours: run i is the rows from `starts[i]`, `lengths[i]` of them. */
export interface Runs {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** Sum of the lengths. */
  readonly rows: number;
}

/** Largest 32-bit offset: bytes of text, or values of lists, in one batch. */
const MOST_VALUES = 2 ** 31 - 1;

/** Row indices as runs; the order and repeats are kept. */
export function runsOf(rows: Uint32Array | Int32Array): Runs {
  const starts = new Int32Array(rows.length);
  const lengths = new Int32Array(rows.length);
  let runs = 0;
  for (let index = 0; index < rows.length; runs++) {
    const start = index++;
    while (index < rows.length && rows[index] === rows[index - 1]! + 1) index++;
    starts[runs] = rows[start]!;
    lengths[runs] = index - start;
  }
  return { starts: starts.subarray(0, runs), lengths: lengths.subarray(0, runs), rows: rows.length };
}

/**
 * For rows of variable length, which begin at `offsets[row]`: the runs of their values, and the offsets of the copy.
 * Errors: NagError when 32-bit offsets cannot address the copy.
 */
export function runsOfValues<T extends Int32Array | BigInt64Array>(
  offsets: T,
  runs: Runs,
): { offsets: T; valueRuns: Runs } {
  const starts = new Int32Array(runs.starts.length);
  const lengths = new Int32Array(runs.starts.length);
  const copy = emptyLike(offsets, runs.rows + 1);
  let row = 0;
  let total = 0;
  for (let run = 0; run < starts.length; run++) {
    const first = runs.starts[run]!;
    const start = Number(offsets[first]);
    for (let index = 1; index <= runs.lengths[run]!; index++) {
      const end = total + Number(offsets[first + index]) - start;
      copy[++row] = copy instanceof Int32Array ? end : BigInt(end);
    }
    starts[run] = start;
    lengths[run] = Number(offsets[first + runs.lengths[run]!]) - start;
    total += lengths[run]!;
  }
  checkAddressable(total);
  return { offsets: copy, valueRuns: { starts, lengths, rows: total } };
}

/** Errors: NagError when 32-bit offsets cannot address that many values. */
export function checkAddressable(values: number): void {
  if (values <= MOST_VALUES) return;
  throw new NagError(`${values} bytes (or list values) would be in one batch, at most ${MOST_VALUES} fit`);
}

type Values = Exclude<NodeJS.TypedArray, DataView>;

/** The rows' values, `stride` elements a row. */
export function copyRuns<T extends Values>(values: T, runs: Runs, stride: number): T {
  const copy = emptyLike(values, runs.rows * stride);
  const from = wordsOf(values);
  const to = wordsOf(copy);
  const width = (values.BYTES_PER_ELEMENT / from.BYTES_PER_ELEMENT) * stride;
  let at = 0;
  for (let run = 0; run < runs.starts.length; run++) {
    const start = runs.starts[run]! * width;
    const length = runs.lengths[run]! * width;
    if (length > 24) to.set(from.subarray(start, start + length), at);
    else for (let word = 0; word < length; word++) to[at + word] = from[start + word]!;
    at += length;
  }
  return copy;
}

/** The arrays, which are of one class, one after another. Errors: RangeError without an array. */
export function joinArrays<T extends Values>(arrays: readonly T[]): T {
  const [first] = arrays;
  if (!first) throw new RangeError('no arrays to join');
  const joined = emptyLike(
    first,
    arrays.reduce((sum, array) => sum + array.length, 0),
  );
  const to = wordsOf(joined);
  let at = 0;
  for (const array of arrays) {
    const words = wordsOf(array);
    to.set(words, at);
    at += words.length;
  }
  return joined;
}

/** The rows' bits, where row 0 is bit `offset`, padded to 8 bytes; and how many of them are 1. */
export function copyBits(bits: Uint8Array, offset: number, runs: Runs): { bits: Uint8Array; ones: number } {
  const copy = new Uint8Array(Math.ceil(runs.rows / 64) * 8);
  let to = 0;
  let ones = 0;
  for (let run = 0; run < runs.starts.length; run++) {
    const start = runs.starts[run]! + offset;
    for (let bit = start; bit < start + runs.lengths[run]!; bit++, to++) {
      if ((bits[bit >> 3]! & (1 << (bit & 7))) === 0) continue;
      copy[to >> 3]! |= 1 << (to & 7);
      ones++;
    }
  }
  return { bits: copy, ones };
}

/** The same memory as unsigned words, so that the copying loop meets three kinds of arrays and never a BigInt. */
function wordsOf(values: Values): Uint8Array | Uint16Array | Uint32Array {
  const { buffer, byteOffset, byteLength } = values;
  if (values.BYTES_PER_ELEMENT === 1) return new Uint8Array(buffer, byteOffset, byteLength);
  if (values.BYTES_PER_ELEMENT === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

/** An array of the same class. */
export function emptyLike<T extends Values>(values: T, length: number): T {
  // The library's declarations type `constructor` as any function.
  return new (values.constructor as new (length: number) => T)(length);
}
