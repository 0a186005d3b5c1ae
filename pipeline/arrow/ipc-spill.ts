import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { DataError, isDiskFull, messageOf, NagError } from '../errors.js';
import { readExactly } from './file-blob.js';
import { decodeBatch, encodeBatch } from './ipc.js';

/** Where a batch lies in the file: one complete Arrow IPC stream each, so that any one can be read alone. */
interface Entry {
  readonly position: number;
  readonly bytes: number;
  readonly firstRow: number;
}

/** Batches kept on disk until they are needed again. The file is deleted on close. */
export class SpillFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #rows = 0;
  #closed = false;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Makes `<dir>/<name>`; the folder must exist, the file must not. */
  static async create(dir: string, name: string): Promise<SpillFile> {
    const path = join(dir, name);
    try {
      return new SpillFile(path, await open(path, 'wx+'));
    } catch (cause) {
      throw new DataError({ file: path }, `cannot make this temporary file: ${messageOf(cause)}`, { cause });
    }
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Batches written so far. */
  get batches(): number {
    return this.#entries.length;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Writes a batch; the index of its first row among all rows written. One append at a time.
   * Errors: DataError, with the bytes written, when the disk is full; after it the spill is as it was before.
   */
  async append(batch: RecordBatch): Promise<number> {
    this.#checkOpen();
    const encoded = encodeBatch(batch);
    await this.#write(encoded);
    const firstRow = this.#rows;
    this.#entries.push({ position: this.#bytes, bytes: encoded.length, firstRow });
    this.#bytes += encoded.length;
    this.#rows += batch.numRows;
    return firstRow;
  }

  /** The batches in the order in which they were appended, with the index of their first row. */
  async *read(): AsyncGenerator<{ first: number; batch: RecordBatch }, void, undefined> {
    for (let index = 0; index < this.#entries.length; index++) {
      yield { first: this.#entries[index]!.firstRow, batch: await this.batchAt(index) };
    }
  }

  /** The batch with this index (0 is the first appended). */
  async batchAt(index: number): Promise<RecordBatch> {
    this.#checkOpen();
    const entry = this.#entries[index];
    if (!entry) throw new NagError(`${this.path}: no batch ${index}, it has ${this.#entries.length}`);
    const encoded = await readExactly(this.#handle, entry.position, entry.bytes).catch((cause) => {
      throw new DataError({ file: this.path }, `cannot be read back: ${messageOf(cause)}`, { cause });
    });
    return decodeBatch(encoded);
  }

  /** Closes and deletes the file. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
    await rm(this.path, { force: true });
  }

  async #write(encoded: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < encoded.length; ) {
        const { bytesWritten } = await this.#handle.write(
          encoded,
          done,
          encoded.length - done,
          this.#bytes + done,
        );
        done += bytesWritten;
      }
    } catch (cause) {
      const what = isDiskFull(cause) ? 'the disk is full' : messageOf(cause);
      throw new DataError({ file: this.path }, `${what}, after ${this.#bytes} bytes of this temporary file`, {
        cause,
      });
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new NagError(`${this.path}: used after it was closed`);
  }
}
