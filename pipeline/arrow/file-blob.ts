import type { FileHandle } from 'node:fs/promises';

/** The first failure of reading a file: the Parquet library only passes on its text. */
export interface ReadFailure {
  cause?: unknown;
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

  constructor(handle: FileHandle, start: number, size: number, failure: ReadFailure) {
    this.#handle = handle;
    this.#start = start;
    this.size = size;
    this.#failure = failure;
  }

  slice(start: number, end: number): FileBlob {
    return new FileBlob(this.#handle, this.#start + start, end - start, this.#failure);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    try {
      const fileSize = (await this.#handle.stat()).size;
      const end = this.#start + this.size;
      // Corrupt metadata can claim any length: nothing is allocated for bytes that are not there.
      if (end > fileSize) throw new Error(`ends at byte ${fileSize}, before byte ${end}`);
      return (await readExactly(this.#handle, this.#start, this.size)).buffer;
    } catch (cause) {
      this.#failure.cause ??= cause;
      throw cause;
    }
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
