import { join } from 'node:path';
import { DataError } from '../../pipeline/errors.js';
import { isObject } from '../backbone/config-values.js';
import { exists } from '../backbone/model-folder.js';
import { readModelJson } from '../backbone/model-json.js';
import type { DocumentTokenizer } from '../tokenizer/tokenizer.js';

/** Which token stands in front, and where its model and tokenizer are. */
export interface BosOptions {
  /** False: none; true: the tokenizer's own; otherwise a token by its text. */
  readonly bos: boolean | string;
  readonly model: string;
  /** The folder of tokenizer.json, or that file. */
  readonly tokenizerFolder: string;
  readonly tokenizer: DocumentTokenizer;
}

/**
 * Id of the token in front of every sequence. The tokenizer's own is the one that transformers' tokenizer has, and so
 * lm-evaluation-harness's; a tokenizer without takes `bos_token_id` of the model's config.json.
 * @throws DataError where there is none
 */
export async function bosId({
  bos,
  model,
  tokenizerFolder,
  tokenizer,
}: BosOptions): Promise<number | undefined> {
  if (bos === false) return undefined;
  const token = bos === true ? await tokenizersBos(tokenizerFolder) : { text: bos, file: tokenizer.file };
  if (token === undefined) return await configsBos(model);
  const id = tokenizer.idOf(token.text);
  if (id !== undefined) return id;
  throw new DataError({ file: token.file }, `bos: there is no token ${JSON.stringify(token.text)}`);
}

/** What classes of transformers take where neither file says anything. */
const classDefaults: readonly (readonly [name: RegExp, token: string])[] = [
  [/^(Code)?LlamaTokenizer(Fast)?$/, '<s>'],
  [/^GPT2Tokenizer(Fast)?$/, '<|endoftext|>'],
];

interface Token {
  readonly text: string;
  readonly file: string;
}

/** The older special_tokens_map.json wins, but over a tokenizer_config.json that lists its tokens. */
async function tokenizersBos(folder: string): Promise<Token | undefined> {
  const [configFile, mapFile] = ['tokenizer_config.json', 'special_tokens_map.json'].map((name) =>
    join(folder, name),
  );
  const config = await objectIn(configFile!);
  const map = config['added_tokens_decoder'] === undefined ? await objectIn(mapFile!) : {};
  const inMap = textOf(map['bos_token']);
  if (inMap !== undefined) return { text: inMap, file: mapFile! };
  const inConfig = textOf(config['bos_token']);
  const standard = classDefaults.find(([name]) => name.test(String(config['tokenizer_class'])))?.[1];
  const text = inConfig ?? (config['bos_token'] === undefined ? standard : undefined);
  return text === undefined ? undefined : { text, file: configFile! };
}

/** A token is written as its text, or as an object that has it. */
function textOf(token: unknown): string | undefined {
  const text = isObject(token) ? token['content'] : token;
  return typeof text === 'string' ? text : undefined;
}

async function objectIn(file: string): Promise<Readonly<Record<string, unknown>>> {
  const json = (await exists(file)) ? await readModelJson(file) : {};
  return isObject(json) ? json : {};
}

async function configsBos(model: string): Promise<number> {
  const file = join(model, 'config.json');
  const { bos_token_id: id } = await objectIn(file);
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id;
  throw new DataError(
    { file },
    `"bos_token_id": expected a token id, as the tokenizer names no BOS, found ${JSON.stringify(id)}; ` +
      'leave bos out, or name the token that starts a document: bos: "<|endoftext|>"',
  );
}
