import { createHash } from 'node:crypto';
import { DataError } from '../../pipeline/errors.js';
import { zeroRows } from './deactivation.js';
import { tensorChunks } from './tensor-chunks.js';
import type { Checkpoint, Deactivation } from './types.js';
import { bodyWeights } from './weights.js';

/** Changes when the rules of this fingerprint do. */
const version = 'nag-model-1';

/**
 * SHA-256, in hex, of everything that a model's features depend on: the architecture, and name, type, shape and bytes of
 * every tensor of its body, in the order of their names. It does not depend on how the tensors are spread over files.
 * Reads all of the body's weights. With deactivated neurons it is that of the checkpoint in which their weights are zero.
 * @param weights those that count: for what depends on probabilities, all weights
 * @throws DataError where a file ends early; the signal's reason when it is aborted
 */
export async function modelFingerprint(
  checkpoint: Checkpoint,
  signal?: AbortSignal,
  deactivate: Deactivation = {},
  weights: typeof bodyWeights = bodyWeights,
): Promise<string> {
  const { maxPositions: _, windowed: __, tiedHead: ___, ...arithmetic } = checkpoint.architecture;
  const hash = createHash('sha256');
  hash.update(`${version}\n${canonicalJson(arithmetic)}\n`);
  const names = weights(checkpoint.architecture).map(({ name }) => name);
  const zeros = zeroRows(deactivate);
  for (const name of names.sort()) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor === undefined) throw new DataError({ file: checkpoint.dir }, `tensor "${name}" is missing`);
    hash.update(`${canonicalJson({ name, dtype: tensor.dtype, shape: tensor.shape })}\n`);
    for await (const chunk of tensorChunks(tensor, zeros.get(name), signal)) hash.update(chunk);
  }
  return hash.digest('hex');
}

/** JSON whose keys do not stand in the order in which an object happened to be made. */
function canonicalJson(value: object): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
