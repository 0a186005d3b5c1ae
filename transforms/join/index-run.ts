import type { KeyHash } from './hash.js';
import { RecordFile } from './record-file.js';

/** Bits of an entry's low word that number its row within the run. */
const ordinalBits = 28;
const ordinalMask = 2 ** ordinalBits - 1;
const entryBytes = 16;
const blockEntries = 256;

/** Rows that a run can hold. */
export const mostRows = 2 ** ordinalBits;
/** Memory a row while a run is built: twice as much where its arrays have just been doubled. */
export const rowBytes = 32;

/** Rows of a run that is being built: 36 bits of a hash, the row's number, its record's position. */
export class RunBuilder {
  #keys = new BigUint64Array(1024);
  /** The same memory: a key's low word, then its high word. */
  #words = new Uint32Array(this.#keys.buffer);
  #positions = new Float64Array(1024);
  rows = 0;

  add({ high, low }: KeyHash, position: number): void {
    if (this.rows === this.#keys.length) this.#grow();
    const row = this.rows++;
    this.#words[2 * row] = (low & ~ordinalMask) | row;
    this.#words[2 * row + 1] = high;
    this.#positions[row] = position;
  }

  #grow(): void {
    const [keys, positions] = [this.#keys, this.#positions];
    this.#keys = new BigUint64Array(2 * keys.length);
    this.#keys.set(keys);
    this.#words = new Uint32Array(this.#keys.buffer);
    this.#positions = new Float64Array(2 * keys.length);
    this.#positions.set(positions);
  }

  /** Sorts the rows by hash and keeps them. @param base number of the run's first row among all */
  finish(base: number): IndexRun {
    this.#keys.subarray(0, this.rows).sort();
    return new KeptRun(this.#words, this.#positions, this.rows, base);
  }

  /** Like `finish`, with the rows in a file. */
  finishInFile(path: string, base: number): IndexRun {
    this.#keys.subarray(0, this.rows).sort();
    const file = new RecordFile(path);
    const fences = new Uint32Array(Math.ceil(this.rows / blockEntries) * 2);
    const entry = new Uint8Array(entryBytes);
    const words = new Uint32Array(entry.buffer, 0, 2);
    const position = new Float64Array(entry.buffer, 8, 1);
    for (let i = 0; i < this.rows; i++) {
      words.set(this.#words.subarray(2 * i, 2 * i + 2));
      position[0] = this.#positions[words[0]! & ordinalMask]!;
      if (i % blockEntries === 0) fences.set(words, (2 * i) / blockEntries);
      file.append(entry);
    }
    file.flush();
    return new FileRun(file, this.rows, base, fences);
  }
}

/** An entry whose hash is the one that was looked for. */
export interface Candidate {
  /** Number of the row among all rows of the index. */
  readonly row: number;
  /** Where its record begins. */
  readonly position: number;
}

/** Rows sorted by hash. */
export interface IndexRun {
  /** Adds the entries of a hash to `into`. */
  find(hash: KeyHash, into: Candidate[]): void;
  /** All entries in the order of their hashes, with where their records begin. */
  entries(): Generator<{ hash: number; position: number }>;
  close(): void;
}

/** In memory, as they were built. */
class KeptRun implements IndexRun {
  /** Two a row: 36 bits of the hash and the row's number. */
  readonly #words: Uint32Array;
  /** By the row's number. */
  readonly #positions: Float64Array;
  readonly #rows: number;
  readonly #base: number;

  constructor(words: Uint32Array, positions: Float64Array, rows: number, base: number) {
    this.#words = words;
    this.#positions = positions;
    this.#rows = rows;
    this.#base = base;
  }

  find({ high, low }: KeyHash, into: Candidate[]): void {
    const words = this.#words;
    const wanted = (low & ~ordinalMask) >>> 0;
    for (let i = firstAtLeast(words, 2, this.#rows, high, wanted); i < this.#rows; i++) {
      const entryLow = words[2 * i]!;
      if (words[2 * i + 1] !== high || (entryLow & ~ordinalMask) >>> 0 !== wanted) return;
      const row = entryLow & ordinalMask;
      into.push({ row: this.#base + row, position: this.#positions[row]! });
    }
  }

  *entries(): Generator<{ hash: number; position: number }> {
    for (let i = 0; i < this.#rows; i++) {
      const [low, high] = [this.#words[2 * i]!, this.#words[2 * i + 1]!];
      yield { hash: hashOf(high, low), position: this.#positions[low & ordinalMask]! };
    }
  }

  close(): void {}
}

/** On disk; the first of each block of 256 is in memory. */
class FileRun implements IndexRun {
  readonly #rows: number;
  readonly #file: RecordFile;
  readonly #base: number;
  readonly #fences: Uint32Array;

  constructor(file: RecordFile, rows: number, base: number, fences: Uint32Array) {
    this.#file = file;
    this.#rows = rows;
    this.#base = base;
    this.#fences = fences;
  }

  find({ high, low }: KeyHash, into: Candidate[]): void {
    const wanted = (low & ~ordinalMask) >>> 0;
    for (let block = this.#blockBefore(high, wanted); block < this.#fences.length / 2; block++) {
      const { count, words, numbers } = this.#block(block);
      for (let i = firstAtLeast(words, 4, count, high, wanted); i < count; i++) {
        const [entryLow, entryHigh] = [words[4 * i]!, words[4 * i + 1]!];
        if (entryHigh !== high || (entryLow & ~ordinalMask) >>> 0 !== wanted) return;
        into.push({ row: this.#base + (entryLow & ordinalMask), position: numbers[2 * i + 1]! });
      }
    }
  }

  *entries(): Generator<{ hash: number; position: number }> {
    for (let block = 0; block < this.#fences.length / 2; block++) {
      const { count, words, numbers } = this.#block(block);
      for (let i = 0; i < count; i++)
        yield { hash: hashOf(words[4 * i + 1]!, words[4 * i]!), position: numbers[2 * i + 1]! };
    }
  }

  close(): void {
    this.#file.close();
  }

  /** The last block whose first entry is below a hash: entries of the hash begin there, or at the next one's start. */
  #blockBefore(high: number, low: number): number {
    let first = 0;
    let last = this.#fences.length / 2 - 1;
    while (first < last) {
      const middle = (first + last + 1) >>> 1;
      if (compare(this.#fences[2 * middle + 1]!, this.#fences[2 * middle]!, high, low) < 0) first = middle;
      else last = middle - 1;
    }
    return first;
  }

  /** An entry is four words: the hash and the row in the first two, the position as a number in the others. */
  #block(block: number): { count: number; words: Uint32Array; numbers: Float64Array } {
    const count = Math.min(blockEntries, this.#rows - block * blockEntries);
    // Copied, as views of numbers must begin at a multiple of their size.
    const { buffer } = this.#file.view(block * blockEntries * entryBytes, count * entryBytes).slice();
    return { count, words: new Uint32Array(buffer), numbers: new Float64Array(buffer) };
  }
}

/** The 36 bits of an entry's first two words. */
function hashOf(high: number, low: number): number {
  return high * 16 + (low >>> ordinalBits);
}

/** @param stride words an entry, which begins with its hash */
function firstAtLeast(words: Uint32Array, stride: number, count: number, high: number, low: number): number {
  let first = 0;
  let end = count;
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (compare(words[stride * middle + 1]!, words[stride * middle]!, high, low) < 0) first = middle + 1;
    else end = middle;
  }
  return first;
}

function compare(high: number, low: number, otherHigh: number, otherLow: number): number {
  return high - otherHigh || low - otherLow;
}
