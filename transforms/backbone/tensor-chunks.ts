import { open } from 'node:fs/promises';
import { DataError, messageOf } from '../../pipeline/errors.js';
import type { Tensor } from './types.js';

const chunkBytes = 4 << 20;

/**
 * The bytes of a tensor in order, some megabytes at a time, with some of its rows set to zero. A chunk is valid until the
 * next one is asked for.
 * @throws DataError where the file cannot be read or ends early; the signal's reason when it is aborted
 */
export async function* tensorChunks(
  tensor: Tensor,
  zeros: readonly number[] = [],
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const handle = await explained(tensor, open(tensor.realFile, 'r'));
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, tensor.bytes));
  try {
    for (let done = 0; done < tensor.bytes; ) {
      signal?.throwIfAborted();
      const length = Math.min(buffer.length, tensor.bytes - done);
      const reading = handle.read(buffer, 0, length, tensor.offset + done);
      const { bytesRead } = await explained(tensor, reading);
      if (bytesRead === 0) {
        const expected = `expected ${tensor.bytes} bytes from ${tensor.offset}, found ${done}`;
        throw new DataError({ file: tensor.file }, `ended inside tensor "${tensor.name}": ${expected}`);
      }
      const chunk = buffer.subarray(0, bytesRead);
      clearRows(chunk, done, tensor.bytes / (tensor.shape[0] ?? 1), zeros);
      yield chunk;
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function explained<T>({ file, name }: Tensor, work: Promise<T>): Promise<T> {
  return await work.catch((cause: unknown) => {
    throw new DataError({ file }, `tensor "${name}" cannot be read: ${messageOf(cause)}`, { cause });
  });
}

/** Zeroes what a chunk, which starts at byte `from` of its tensor, holds of some rows. Zero bits are 0 in every type. */
function clearRows(chunk: Buffer, from: number, rowBytes: number, rows: readonly number[]): void {
  for (const row of rows) {
    const start = Math.max(0, row * rowBytes - from);
    const end = Math.min(chunk.length, (row + 1) * rowBytes - from);
    if (start < end) chunk.fill(0, start, end);
  }
}
