import { open } from 'node:fs/promises';

const chunkBytes = 1 << 20;

/**
 * The bytes of a file in order, a megabyte at a time, the next read while one is worked on. A chunk is valid until the
 * next one is asked for: two buffers serve the whole file, where a stream leaves one a chunk to the collector.
 * Errors: those of the file system; the signal's reason.
 */
export async function* fileChunks(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const handle = await open(file, 'r');
  const buffers = [new Uint8Array(chunkBytes), new Uint8Array(chunkBytes)] as const;
  const readInto = (buffer: Uint8Array) => {
    const reading = handle.read(buffer, 0, chunkBytes);
    // It may fail while nobody waits for it yet.
    reading.catch(() => undefined);
    return reading;
  };
  let reading = readInto(buffers[0]);
  try {
    for (let turn = 1; ; turn++) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) return;
      signal.throwIfAborted();
      reading = readInto(buffers[turn % 2]!);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await reading.catch(() => undefined);
    await handle.close();
  }
}
