import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Data, Field, RecordBatch } from 'apache-arrow';
import { compareBytes } from '../nag/docid.js';
import type { DocidKind } from '../rank/cells.js';
import { hashKey } from './hash.js';
import { type Candidate, type IndexRun, mostRows, RunBuilder, rowBytes } from './index-run.js';
import { RecordFile } from './record-file.js';
import { RecordFormat, readRecord } from './records.js';

/** Rows with one and the same key. */
export interface Duplicates {
  /** Rows beyond the first of each key. */
  readonly rows: number;
  /** A key that occurs more than once. */
  readonly example: Uint8Array;
}

/**
 * Rows that are found by a key, whatever their number: they lie in a file, and so does the index, where it is larger than
 * the memory, sorted by hash in runs of as many rows as that takes. Rows are added, then `seal` is called, then they are looked up.
 */
export class KeyIndex {
  readonly #tempDir: string;
  readonly #capacity: number;
  readonly #runs: IndexRun[] = [];
  #records: RecordFile | undefined;
  #format: RecordFormat | undefined;
  #builder: RunBuilder | undefined;
  #rows = 0;
  /** A bit a row: whether it was found. */
  #found = new Uint8Array(0);
  /** Whether keys are text or integers, as all that were added. */
  kind: DocidKind | undefined;

  /** @param memoryBytes of one run, while it is built */
  constructor(tempDir: string, memoryBytes: number) {
    this.#tempDir = tempDir;
    this.#capacity = Math.max(1024, Math.min(mostRows, Math.floor(memoryBytes / rowBytes)));
  }

  get rows(): number {
    return this.#rows;
  }

  get fields(): readonly Field[] {
    return this.#format?.fields ?? [];
  }

  /** A function that adds rows of a batch. Errors: NagError for columns that cannot be joined, DataError when the disk is full. */
  adder(
    batch: RecordBatch,
    columns: readonly string[],
  ): (row: number, key: Uint8Array, order: number) => void {
    this.#format ??= new RecordFormat(batch, columns);
    this.#records ??= new RecordFile(this.#temporary());
    const write = this.#format.writer(batch, this.#records);
    return (row, key, order) => this.#index(key, write(row, key, order));
  }

  /** Takes over all rows of another index, which has not been sealed and cannot be used afterwards. */
  merge(other: KeyIndex): void {
    const records = other.#records;
    if (!records) return;
    this.#format ??= other.#format;
    this.#records ??= new RecordFile(this.#temporary());
    records.flush();
    for (let at = 0; at < records.bytes; ) {
      const { key, bytes } = readRecord(records, at);
      const own = key.slice();
      this.#index(own, this.#records.append(records.view(at, bytes)));
      at += bytes;
    }
    other.close();
  }

  /** To be called when all rows are there. */
  seal(): void {
    // What was built in memory may stay there, unless there is more than that.
    if (this.#builder && this.#runs.length === 0) this.#runs.push(this.#builder.finish(0));
    else this.#finishRun();
    this.#builder = undefined;
    this.#records?.flush();
    this.#found = new Uint8Array(Math.ceil(this.#rows / 8));
  }

  /** What lies behind the key of the first row, in the order of the input, that has it. */
  find(key: Uint8Array): Uint8Array | undefined {
    let best: { order: number; cells: Uint8Array } | undefined;
    for (const { row, position } of this.#candidates(key)) {
      const { order, key: found, cells } = readRecord(this.#records!, position);
      if (compareBytes(found, key) !== 0) continue;
      this.#found[row >> 3]! |= 1 << (row & 7);
      if (!best || order < best.order) best = { order, cells: cells.slice() };
    }
    return best?.cells;
  }

  /** Rows that no `find` has found. */
  get unfound(): number {
    let found = 0;
    for (const byte of this.#found) for (let bits = byte; bits > 0; bits &= bits - 1) found++;
    return this.#rows - found;
  }

  /** The columns of rows that `find` gave. */
  columns(rows: readonly Uint8Array[]): Data[] {
    return this.#format?.columns(rows) ?? [];
  }

  /** Rows whose key occurs more than once: a pass over the index, which reads records only where hashes are equal. */
  duplicates(): Duplicates | undefined {
    let rows = 0;
    let example: Uint8Array | undefined;
    let group: { hash: number; keys: Uint8Array[]; positions: number[] } = {
      hash: -1,
      keys: [],
      positions: [],
    };
    for (const { hash, position } of merged(this.#runs)) {
      if (hash !== group.hash) {
        group = { hash, keys: [], positions: [position] };
        continue;
      }
      if (group.keys.length === 0) group.keys.push(this.#keyAt(group.positions[0]!));
      const key = this.#keyAt(position);
      if (group.keys.some((known) => compareBytes(known, key) === 0)) {
        rows++;
        example ??= key;
      } else group.keys.push(key);
    }
    return example && { rows, example };
  }

  close(): void {
    for (const run of this.#runs) run.close();
    this.#records?.close();
  }

  #index(key: Uint8Array, position: number): void {
    this.#builder ??= new RunBuilder();
    this.#builder.add(hashKey(key, this.#hash), position);
    this.#rows++;
    if (this.#builder.rows === this.#capacity) this.#finishRun();
  }

  readonly #hash = { high: 0, low: 0 };

  #finishRun(): void {
    if (!this.#builder) return;
    this.#runs.push(this.#builder.finishInFile(this.#temporary(), this.#rows - this.#builder.rows));
    this.#builder = undefined;
  }

  #candidates(key: Uint8Array): Candidate[] {
    const found: Candidate[] = [];
    const hash = hashKey(key, this.#hash);
    for (const run of this.#runs) run.find(hash, found);
    return found;
  }

  #keyAt(position: number): Uint8Array {
    return readRecord(this.#records!, position).key.slice();
  }

  #temporary(): string {
    return join(this.#tempDir, `nag-join-${randomUUID()}`);
  }
}

/** The entries of all runs in the order of their hashes. */
function* merged(runs: readonly IndexRun[]): Generator<{ hash: number; position: number }> {
  const heads = runs.flatMap((run) => {
    const entries = run.entries();
    const first = entries.next();
    return first.done ? [] : [{ entries, value: first.value }];
  });
  while (heads.length > 0) {
    const least = heads.reduce((a, b) => (b.value.hash < a.value.hash ? b : a));
    yield least.value;
    const next = least.entries.next();
    if (next.done) heads.splice(heads.indexOf(least), 1);
    else least.value = next.value;
  }
}
