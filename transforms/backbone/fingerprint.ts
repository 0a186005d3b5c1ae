import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { DataError } from '../../pipeline/errors.js';
import type { Checkpoint, Tensor } from './types.js';
import { bodyWeights } from './weights.js';

/** Changes when the rules of this fingerprint do. */
const version = 'nag-model-1';
const chunkBytes = 4 << 20;

/**
 * SHA-256, in hex, of everything that a model's features depend on: the architecture, and name, type, shape and bytes of
 * every tensor of its body, in the order of their names. It does not depend on how the tensors are spread over files.
 * Reads all of the body's weights.
 * @throws DataError where a file ends early; the signal's reason when it is aborted
 */
export async function modelFingerprint(checkpoint: Checkpoint, signal?: AbortSignal): Promise<string> {
  const { maxPositions: _, tiedHead: __, ...arithmetic } = checkpoint.architecture;
  const hash = createHash('sha256');
  hash.update(`${version}\n${canonicalJson(arithmetic)}\n`);
  const names = bodyWeights(checkpoint.architecture).map(({ name }) => name);
  const buffer = Buffer.alloc(chunkBytes);
  for (const name of names.sort()) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor === undefined) throw new DataError({ file: checkpoint.dir }, `tensor "${name}" is missing`);
    hash.update(`${canonicalJson({ name, dtype: tensor.dtype, shape: tensor.shape })}\n`);
    for await (const chunk of chunksOf(tensor, buffer, signal)) hash.update(chunk);
  }
  return hash.digest('hex');
}

async function* chunksOf(tensor: Tensor, buffer: Buffer, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const handle = await open(tensor.realFile, 'r');
  try {
    for (let done = 0; done < tensor.bytes; ) {
      signal?.throwIfAborted();
      const length = Math.min(buffer.length, tensor.bytes - done);
      const { bytesRead } = await handle.read(buffer, 0, length, tensor.offset + done);
      if (bytesRead === 0) {
        const expected = `expected ${tensor.bytes} bytes from ${tensor.offset}, found ${done}`;
        throw new DataError({ file: tensor.file }, `ended inside tensor "${tensor.name}": ${expected}`);
      }
      yield buffer.subarray(0, bytesRead);
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** JSON whose keys do not stand in the order in which an object happened to be made. */
function canonicalJson(value: object): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
