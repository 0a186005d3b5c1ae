import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../pipeline/errors.js';
import type { DocumentTokenizer } from '../tokenizer/tokenizer.js';

/**
 * Id of the token in front of every sequence: a token given by its text, or the model's own, `bos_token_id` of its
 * config.json.
 * @throws DataError where there is none
 */
export async function bosId(
  bos: boolean | string,
  model: string,
  tokenizer: DocumentTokenizer,
): Promise<number | undefined> {
  if (bos === false) return undefined;
  if (typeof bos === 'string') {
    const id = tokenizer.idOf(bos);
    if (id !== undefined) return id;
    throw new DataError({ file: tokenizer.file }, `bos: there is no token ${JSON.stringify(bos)}`);
  }
  const file = join(model, 'config.json');
  const config: { bos_token_id?: unknown } = JSON.parse(await readFile(file, 'utf8'));
  const id = config.bos_token_id;
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id;
  throw new DataError(
    { file },
    `"bos_token_id": expected a token id, found ${JSON.stringify(id)}; ` +
      'leave bos out, or name the token that starts a document: bos: "<|endoftext|>"',
  );
}
