import type { FileHandle } from 'node:fs/promises';

/** The first failure of reading a file: the Parquet library only passes on its text. */
export interface ReadFailure {
  cause?: unknown;
}

/** What a file is read as having from a byte on, in place of what it has. */
export interface Tail {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * The part of the `Blob` interface that the Parquet library uses, over an open file. Node's own `openAsBlob` takes
 * sizes modulo 2^32.
 */
export class FileBlob {
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #start: number;
  readonly #failure: ReadFailure;
  readonly #tail: Tail | undefined;

  /** @param tail with it, `start` and `size` count in the file that ends with it */
  constructor(handle: FileHandle, start: number, size: number, failure: ReadFailure, tail?: Tail) {
    this.#handle = handle;
    this.#start = start;
    this.size = size;
    this.#failure = failure;
    this.#tail = tail;
  }

  slice(start: number, end: number): FileBlob {
    return new FileBlob(this.#handle, this.#start + start, end - start, this.#failure, this.#tail);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    try {
      const end = this.#start + this.size;
      const tail = this.#tail;
      if (tail === undefined || end <= tail.at) return (await this.#read(this.#start, this.size)).buffer;
      const before = Math.max(0, tail.at - this.#start);
      const after = tail.bytes.subarray(Math.max(0, this.#start - tail.at), end - tail.at);
      const joined = new Uint8Array(before + after.length);
      joined.set(await this.#read(this.#start, before));
      joined.set(after, before);
      return joined.buffer;
    } catch (cause) {
      this.#failure.cause ??= cause;
      throw cause;
    }
  }

  async #read(start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (length === 0) return new Uint8Array(0);
    const fileSize = (await this.#handle.stat()).size;
    // Corrupt metadata can claim any length: nothing is allocated for bytes that are not there.
    if (start + length > fileSize) throw new Error(`ends at byte ${fileSize}, before byte ${start + length}`);
    return await readExactly(this.#handle, start, length);
  }
}

/** `length` bytes from `position`. Errors: those of the file system, and when the file ends before. */
export async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new Error(`ends at byte ${position + done}, before byte ${position + length}`);
    done += bytesRead;
  }
  return bytes;
}
