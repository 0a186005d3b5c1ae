import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tokenizer } from 'tokenizers';
import { DataError, messageOf } from '../../pipeline/errors.js';
import { adapterFault } from '../model-files/adapter.js';
import { lfsPointer } from '../model-files/lfs-pointer.js';
import { safeCut } from './prefix.js';
import { type Slicing, slicingOf } from './slicing.js';
import { parseTokenizerJson, type TokenizerJson, vocabularySize } from './tokenizer-json.js';

/** More than the usual 3 to 5 characters a token, so that one try is mostly enough. */
const CHARACTERS_PER_TOKEN = 6;
/** Characters encoded at once when counting: an encoding holds some hundred bytes a token. */
const COUNT_SLICE = 1 << 16;

const dropoutRemark =
  'the tokenizer has BPE dropout, which draws merges at random while a model is trained: it is switched off, so that a text has the same ids each time';

/**
 * A tokenizer.json as the model's own library reads it. Encodings run on the process' thread pool, so that one
 * instance serves many calls at a time; opening blocks for up to half a second. Special tokens are never added
 * and the file's own truncation, padding and BPE dropout do not apply, but special tokens written in a text become their ids.
 */
export class DocumentTokenizer {
  /** The tokenizer.json. */
  readonly file: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
  /** The largest token id and one. */
  readonly vocabulary: number;
  /** What its users should know. */
  readonly remark: string | undefined;
  readonly #slicing: Slicing | undefined;
  #native: Tokenizer | undefined;

  private constructor(file: string, bytes: Buffer, { json, dropout }: Source, native: Tokenizer) {
    this.file = file;
    this.remark = dropout ? dropoutRemark : undefined;
    this.sha256 = createHash('sha256').update(bytes).digest('hex');
    this.vocabulary = sizeOf(json, native);
    this.#slicing = slicingOf(json);
    this.#native = native;
  }

  /**
   * @param path a tokenizer.json, or a model's folder that has one
   * @throws DataError naming the file when it is missing, cut short or not a Hugging Face tokenizer
   */
  static async open(path: string): Promise<DocumentTokenizer> {
    const file = await tokenizerFile(path);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new DataError({ file }, `cannot read the tokenizer: ${messageOf(cause)}`, { cause });
    });
    const source = parse(file, bytes.toString('utf8').replace(/^\uFEFF/, ''));
    return new DocumentTokenizer(file, bytes, source, await load(file, source.text));
  }

  /**
   * The first `maxLength` token ids of the text, or all where it has fewer. Long texts are encoded only as far as
   * needed, cut where no token can change.
   * @throws RangeError when `maxLength` is less than 1; DataError when the text cannot be encoded
   */
  async first(text: string, maxLength: number): Promise<Int32Array> {
    if (!Number.isSafeInteger(maxLength) || maxLength < 1)
      throw new RangeError(`maxLength: expected a positive integer, found ${maxLength}`);
    for (let limit = maxLength * CHARACTERS_PER_TOKEN; limit < text.length && this.#slicing; limit *= 2) {
      const cut = safeCut(text, limit, this.#slicing.spaceOnly);
      if (cut <= limit / 2) continue;
      const ids = (await this.#encode(text.slice(0, cut))).getIds();
      if (ids.length >= maxLength) return Int32Array.from(ids.slice(0, maxLength));
    }
    return Int32Array.from((await this.#encode(text)).getIds().slice(0, maxLength));
  }

  /** All token ids of the text. @throws DataError as `first` */
  async all(text: string): Promise<Int32Array> {
    return Int32Array.from((await this.#encode(text)).getIds());
  }

  /** The id of a token written as in the vocabulary; undefined where there is none. */
  idOf(token: string): number | undefined {
    return this.#opened().tokenToId(token) ?? undefined;
  }

  /** The number of tokens of the whole text, encoded slice by slice. @throws DataError as `first` */
  async count(text: string): Promise<number> {
    const slicing = this.#slicing;
    if (slicing === undefined || !isSliceable(text, slicing)) return (await this.#encode(text)).getLength();
    let tokens = 0;
    for (let start = 0; start < text.length; ) {
      const end = sliceEnd(text, start, slicing.spaceOnly);
      const from = start > 0 && slicing.dropSpace ? start + 1 : start;
      tokens += (await this.#encode(text.slice(from, end))).getLength();
      start = end;
    }
    return tokens;
  }

  /** Lets go of the native tokenizer, which the collector then frees. */
  close(): void {
    this.#native = undefined;
  }

  #opened(): Tokenizer {
    if (this.#native === undefined) throw new Error(`${this.file}: the tokenizer is closed`);
    return this.#native;
  }

  async #encode(text: string) {
    const native = this.#opened();
    try {
      return await native.encode(text, null, { addSpecialTokens: false });
    } catch (cause) {
      const message = `cannot tokenize a text of ${text.length} characters: ${messageOf(cause)}`;
      throw new DataError({ file: this.file }, message, { cause });
    }
  }
}

function isSliceable(text: string, { unsliceable }: Slicing): boolean {
  return text.length > COUNT_SLICE && !unsliceable.some((content) => text.includes(content));
}

function sliceEnd(text: string, start: number, spaceOnly: boolean): number {
  for (let length = COUNT_SLICE; start + length < text.length; length *= 2) {
    const cut = safeCut(text.slice(start, start + length + 1), length, spaceOnly);
    if (cut > 0) return start + cut;
  }
  return text.length;
}

async function tokenizerFile(path: string): Promise<string> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError({ file: path }, 'expected a tokenizer.json or a folder that has one, found nothing', {
      cause,
    });
  });
  if (!found.isDirectory()) return path;
  const file = join(path, 'tokenizer.json');
  await stat(file).catch(async (cause: unknown) => {
    throw new DataError({ file: path }, await withoutTokenizer(path), { cause });
  });
  return file;
}

/** Older and other forms of tokenizers, from which transformers makes tokenizer.json. */
const otherForms = ['tokenizer.model', 'vocab.json', 'spiece.model', 'tekken.json'];

/** An adapter has none of its own as a rule, and with one it would still be no model. */
async function withoutTokenizer(folder: string): Promise<string> {
  const names = await readdir(folder);
  if (names.includes('adapter_config.json'))
    return adapterFault(await readFile(join(folder, 'adapter_config.json'), 'utf8').catch(() => ''));
  return `the folder has no tokenizer.json: ${otherTokenizer(names)}`;
}

function otherTokenizer(names: readonly string[]): string {
  const other = otherForms.find((name) => names.includes(name));
  if (other === undefined) return 'download it with the model';
  return `make it from ${other}, in Python transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)`;
}

/** A file's content, and its text for the native library. */
interface Source {
  readonly json: TokenizerJson;
  readonly text: string;
  /** Whether ids would be drawn at random. */
  readonly dropout: boolean;
}

function parse(file: string, text: string): Source {
  const pointer = lfsPointer(text);
  if (pointer !== undefined) throw new DataError({ file }, pointer);
  try {
    const value: unknown = JSON.parse(text);
    const json = parseTokenizerJson(value);
    if (!json.model.dropout) return { json, text, dropout: false };
    const model = { ...json.model, dropout: null };
    return { json: { ...json, model }, text: JSON.stringify({ ...json, model }), dropout: true };
  } catch (cause) {
    const problem =
      cause instanceof SyntaxError ? 'not JSON, or cut short' : 'not a Hugging Face tokenizer.json';
    throw new DataError({ file }, `${problem}: ${messageOf(cause)}`, { cause });
  }
}

/** The library is loaded when it is needed: commands that only look at a configuration start without. */
async function load(file: string, text: string): Promise<Tokenizer> {
  const { Tokenizer } = await import('tokenizers');
  try {
    const native = Tokenizer.fromString(text);
    native.disableTruncation();
    native.disablePadding();
    return native;
  } catch (cause) {
    throw new DataError({ file }, `the tokenizer cannot be loaded: ${messageOf(cause)}`, { cause });
  }
}

/** The library numbers added tokens itself where their ids do not follow the vocabulary, and says nothing. */
function sizeOf(json: TokenizerJson, native: Tokenizer): number {
  const added = json.added_tokens.map(({ content }) => (native.tokenToId(content) ?? -1) + 1);
  return added.reduce((size, next) => Math.max(size, next), vocabularySize(json));
}
