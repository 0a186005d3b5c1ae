import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { DataError, isDiskFull, messageOf } from '../../pipeline/errors.js';

const bufferBytes = 1 << 20;
/** Read at once, by whoever reads in order, and by others. */
const bytesInOrder = 1 << 18;
const bytesAtRandom = 1 << 12;

/**
 * Bytes that are appended and read back from anywhere. What was written last, and what is read in order, comes from
 * memory. Calls are synchronous: a promise would cost more than a read from the system's cache. Deleted on close.
 */
export class RecordFile {
  readonly path: string;
  readonly #descriptor: number;
  #pending = new Uint8Array(bufferBytes);
  #pendingBytes = 0;
  #written = 0;
  #window = new Uint8Array(0);
  #windowStart = 0;
  #closed = false;

  /** Errors: DataError where the file cannot be made. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, 'wx+');
    } catch (cause) {
      throw new DataError({ file: path }, `cannot make this temporary file: ${messageOf(cause)}`, { cause });
    }
  }

  /** Bytes appended so far. */
  get bytes(): number {
    return this.#written + this.#pendingBytes;
  }

  /** Returns where the bytes begin. Errors: DataError when the disk is full. */
  append(bytes: Uint8Array): number {
    const position = this.bytes;
    if (bytes.length > bufferBytes - this.#pendingBytes) this.flush();
    if (bytes.length > bufferBytes) this.#write(bytes);
    else {
      this.#pending.set(bytes, this.#pendingBytes);
      this.#pendingBytes += bytes.length;
    }
    return position;
  }

  /** To be called after the last append, before the first read. */
  flush(): void {
    this.#write(this.#pending.subarray(0, this.#pendingBytes));
    this.#pendingBytes = 0;
  }

  /** A view that is good until the next call. Whoever goes through the file in order reads much at once. */
  view(position: number, length: number): Uint8Array {
    const start = position - this.#windowStart;
    if (start >= 0 && start + length <= this.#window.length)
      return this.#window.subarray(start, start + length);
    const inOrder = start > 0 && start <= this.#window.length + bytesInOrder;
    const wanted = Math.max(length, inOrder ? bytesInOrder : bytesAtRandom);
    this.#read(position, Math.max(length, Math.min(wanted, this.#written - position)));
    return this.#window.subarray(0, length);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
    rmSync(this.path, { force: true });
  }

  #read(position: number, length: number): void {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const count = readSync(this.#descriptor, bytes, done, length - done, position + done);
      if (count === 0)
        throw new DataError({ file: this.path }, 'this temporary file is shorter than written');
      done += count;
    }
    this.#window = bytes;
    this.#windowStart = position;
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#written + done);
    } catch (cause) {
      const what = isDiskFull(cause) ? 'the disk is full' : messageOf(cause);
      const message = `${what}, after ${this.#written} bytes of this temporary file`;
      throw new DataError({ file: this.path }, message, { cause });
    }
    this.#written += bytes.length;
  }
}
