import { z } from 'zod';
import { isCutCharacter } from './prefix.js';
import type { TokenizerJson } from './tokenizer-json.js';

/** How a text may be cut without changing its tokens. */
export interface Slicing {
  /** Cut before spaces only. */
  readonly spaceOnly: boolean;
  /** The tokenizer puts a space before each text itself: a slice is encoded without its own first space. */
  readonly dropSpace: boolean;
  /** In a text that contains one of these a slice does not begin as the whole text goes on. */
  readonly unsliceable: readonly string[];
}

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SYMBOLS_AND_SPACES = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/** Expressions that end a word before each of the cut characters, and never look behind. */
const KNOWN_SPLITS = new Set([
  // Llama 3, SmolLM3
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${SYMBOLS_AND_SPACES}`,
  // Qwen 2, 2.5 and 3
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${SYMBOLS_AND_SPACES}`,
]);

const no = z.literal('').nullish();
const nfc = z.object({ type: z.literal('NFC') });
const byteLevelNormalizer = nfc.nullish();
const split = z.object({
  type: z.literal('Split'),
  pattern: z.object({ Regex: z.string().refine((pattern) => KNOWN_SPLITS.has(pattern)) }),
  behavior: z.literal('Isolated'),
  invert: z.literal(false),
});
const digits = z.object({ type: z.literal('Digits') });
const byteLevel = z.object({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean(),
  use_regex: z.boolean().default(true),
});
const byteLevelSequence = z.object({
  type: z.literal('Sequence'),
  pretokenizers: z.array(z.union([split, digits, byteLevel])),
});
const byteLevelPreTokenizer = z.union([
  byteLevel.transform((only) => [only]),
  byteLevelSequence.transform((sequence) => sequence.pretokenizers),
]);

const prepend = z.object({ type: z.literal('Prepend'), prepend: z.literal('▁') });
const replace = z.object({
  type: z.literal('Replace'),
  pattern: z.object({ String: z.literal(' ') }),
  content: z.literal('▁'),
});
const sentencePieceNormalizer = z.object({
  type: z.literal('Sequence'),
  normalizers: z.tuple([prepend, replace]),
});
const metaspace = z.object({ type: z.literal('Metaspace'), replacement: z.literal('▁') });

/** A BPE whose tokens depend on nothing but the piece of text they lie in. */
const plainBpe = z.object({
  type: z.literal('BPE'),
  dropout: z.literal(0).nullish(),
  continuing_subword_prefix: no,
  end_of_word_suffix: no,
});

/**
 * How texts can be cut for this tokenizer; undefined for one that is not of a kind known to be safe, or whose
 * added tokens could reach over a cut: then texts must be encoded whole.
 */
export function slicingOf(json: TokenizerJson): Slicing | undefined {
  if (!plainBpe.safeParse(json.model).success) return undefined;
  for (const { content, lstrip, rstrip } of json.added_tokens) {
    if (lstrip || rstrip || hasCutCharacter(content)) return undefined;
  }
  return byteLevelSlicing(json) ?? sentencePieceSlicing(json);
}

/** GPT-2, Llama 3, Qwen, SmolLM: words first, then bytes. */
function byteLevelSlicing(json: TokenizerJson): Slicing | undefined {
  if (!byteLevelNormalizer.safeParse(json.normalizer).success) return undefined;
  const parsed = byteLevelPreTokenizer.safeParse(json.pre_tokenizer);
  if (!parsed.success) return undefined;
  const steps = parsed.data;
  const splits = steps.some((step) => step.type === 'Split' || (step.type === 'ByteLevel' && step.use_regex));
  if (!splits) return undefined;
  // A space that is put before a text without one joins punctuation and line ends, but is not put before a space.
  const addsSpace = steps.some((step) => step.type === 'ByteLevel' && step.add_prefix_space);
  return { spaceOnly: addsSpace, dropSpace: false, unsliceable: [] };
}

/** Llama 2, Mistral, TinyLlama: spaces become ▁ and begin words; no token may hold ▁ behind anything else. */
function sentencePieceSlicing(json: TokenizerJson): Slicing | undefined {
  const { vocab, ignore_merges: ignoresMerges } = json.model;
  if (Array.isArray(vocab) || ignoresMerges === true || vocab['▁'] === undefined) return undefined;
  for (const token of Object.keys(vocab)) if (/[^▁]▁/u.test(token)) return undefined;
  const noNormalizer = json.normalizer === null || json.normalizer === undefined;
  if (noNormalizer && metaspace.safeParse(json.pre_tokenizer).success)
    return { spaceOnly: true, dropSpace: false, unsliceable: [] };
  const noPreTokenizer = json.pre_tokenizer === null || json.pre_tokenizer === undefined;
  if (!noPreTokenizer || !sentencePieceNormalizer.safeParse(json.normalizer).success) return undefined;
  return { spaceOnly: true, dropSpace: true, unsliceable: json.added_tokens.map((token) => token.content) };
}

function hasCutCharacter(content: string): boolean {
  for (let i = 0; i < content.length; i++) if (isCutCharacter(content.charCodeAt(i))) return true;
  return false;
}
