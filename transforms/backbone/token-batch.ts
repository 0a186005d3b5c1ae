import { NagError } from '../../pipeline/errors.js';
import type { TokenBatch } from './types.js';

/** Limits that documents must keep to. */
export interface TokenLimits {
  readonly vocabulary: number;
  readonly maxLength: number;
}

/** Documents as a matrix, padded on the right with their own last ids. */
export interface PaddedBatch {
  /** [documents, length] */
  readonly ids: Int32Array<ArrayBuffer>;
  readonly lengths: Int32Array<ArrayBuffer>;
  readonly documents: number;
  /** Tokens of the longest document. */
  readonly length: number;
}

/**
 * Checks documents and pads them. onnxruntime itself would crash on some of these, and compute nonsense from others.
 * @throws NagError naming the document, counted from 0 in its batch, and the value
 */
export function padBatch(batch: TokenBatch, limits: TokenLimits): PaddedBatch {
  checkLengths(batch, limits.maxLength);
  checkIds(batch, limits.vocabulary);
  const documents = batch.lengths.length;
  const length = batch.lengths.reduce((longest, tokens) => Math.max(longest, tokens), 0);
  const ids = new Int32Array(documents * length);
  let at = 0;
  batch.lengths.forEach((tokens, document) => {
    const own = batch.ids.subarray(at, at + tokens);
    ids.set(own, document * length);
    // With an id of its own: another one's embedding may be damaged, and is not the document's.
    ids.fill(own[tokens - 1] ?? 0, document * length + tokens, (document + 1) * length);
    at += tokens;
  });
  return { ids, lengths: batch.lengths.slice(), documents, length };
}

/** The values of each document's tokens but the last, from [documents, length] padded on the right. */
export function unpadRows(
  values: Int32Array | Float32Array | undefined,
  lengths: Int32Array,
): Float32Array[] {
  const length = values === undefined ? 0 : values.length / lengths.length;
  return Array.from(lengths, (tokens, document) =>
    Float32Array.from(values?.subarray(document * length, document * length + tokens - 1) ?? []),
  );
}

function checkLengths({ ids, lengths }: TokenBatch, maxLength: number): void {
  let total = 0;
  lengths.forEach((tokens, document) => {
    if (tokens < 1)
      throw new NagError(`document ${document} of a batch has ${tokens} tokens, expected at least 1`);
    if (tokens > maxLength) {
      throw new NagError(
        `document ${document} of a batch has ${tokens} tokens, expected at most ${maxLength}`,
      );
    }
    total += tokens;
  });
  if (total !== ids.length) {
    throw new NagError(`a batch has ${ids.length} ids, but its lengths add up to ${total}`);
  }
}

function checkIds({ ids, lengths }: TokenBatch, vocabulary: number): void {
  const wrong = ids.findIndex((id) => id < 0 || id >= vocabulary);
  if (wrong === -1) return;
  let document = 0;
  for (let end = lengths[0] ?? 0; end <= wrong; end += lengths[document] ?? 0) document++;
  throw new NagError(
    `document ${document} of a batch has token id ${ids[wrong]}, but the model's vocabulary ends at ${vocabulary - 1}: ` +
      'is this the tokenizer of this model?',
  );
}
