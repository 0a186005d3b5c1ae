import type { Tokenizer } from 'tokenizers';

/** A tokenizer.json as an object that a test can change. */
export type TokenizerObject = Record<string, unknown> & {
  added_tokens: Record<string, unknown>[];
  model: Record<string, unknown>;
};

/** Words that the small vocabularies know, so that merges happen, and that none of them knows. */
const soup = [
  ..."the cat sat it's I'LL cats é e\u0301 漢字 \u0958 \u0915\u093c 😀 \ud800 42 . , ... 、 。 ， \" ( ▁ <s> \0".split(
    ' ',
  ),
  ...[' ', '  ', '   ', '\n', '\n\n', '\r\n', '\t'],
];

/** The splitting expression of Llama 3. */
export const LLAMA =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** One tokenizer of each kind whose texts can be cut. */
export const kinds: Readonly<Record<string, TokenizerObject>> = {
  'GPT-2': byteLevelTokenizer(),
  'GPT-2 with a space before': {
    ...byteLevelTokenizer(),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  },
  'Llama 3': byteLevelTokenizer(LLAMA),
  Qwen: byteLevelTokenizer(LLAMA.replace('{1,3}', '')),
  SmolLM2: {
    ...byteLevelTokenizer(),
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Digits', individual_digits: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
  },
  'Llama 2': sentencePieceTokenizer(),
  'Metaspace, always': metaspaceTokenizer('always', true),
  'Metaspace, first': metaspaceTokenizer('first', false),
  'Metaspace, never': metaspaceTokenizer('never', false),
};

/** GPT-2's kind: a byte-level BPE that splits by `pattern`, or by GPT-2's own where there is none. */
export function byteLevelTokenizer(pattern?: string): TokenizerObject {
  const byteLevel = {
    type: 'ByteLevel',
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: pattern === undefined,
  };
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  // Merges over spaces and punctuation, so that a piece that was cut wrongly shows in the tokens.
  const merges = [
    't h',
    'th e',
    'c a',
    'ca t',
    'Ġ the',
    'Ġ cat',
    'cat s',
    "' s",
    '. .',
    '.. .',
    ', ,',
    'Ċ Ċ',
    'Ġ Ġ',
    '" ,',
    '. Ċ',
    'à ¤',
    '¼ ,',
    '¼ .',
  ];
  return {
    ...frame(),
    normalizer: { type: 'NFC' },
    pre_tokenizer:
      pattern === undefined ? byteLevel : { type: 'Sequence', pretokenizers: [split, byteLevel] },
    model: bpe([...byteAlphabet()], merges, {}),
  };
}

/** Llama 2's kind: no splitting, spaces as ▁, unknown characters as bytes. */
export function sentencePieceTokenizer(): TokenizerObject {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  const letters = ['▁', ...'abcdehilrstI.,\'LT漢"'];
  const merges = ['t h', 'th e', '▁ the', 'c a', 'ca t', '▁ cat', '▁ ▁', '. .', ', .', '. ,', 't .'];
  return {
    ...frame(),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    model: bpe([...bytes, ...letters], merges, { unk_token: '<unk>', fuse_unk: true, byte_fallback: true }),
  };
}

/** Llama 2's kind as newer files write it. */
function metaspaceTokenizer(prependScheme: 'always' | 'first' | 'never', split: boolean): TokenizerObject {
  const preTokenizer = { type: 'Metaspace', replacement: '▁', prepend_scheme: prependScheme, split };
  return { ...sentencePieceTokenizer(), normalizer: null, pre_tokenizer: preTokenizer };
}

/** Texts of the given number of words from the soup, the same in every run. */
export function texts(count: number, words: number): string[] {
  let state = 99;
  const next = (n: number) => {
    state = (state * 48271) % 0x7fff_ffff;
    return state % n;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: words }, () => soup[next(soup.length)]! + ' '.repeat(next(2))).join(''),
  );
}

/** The ids of the whole text, encoded at once by another instance; lone surrogates become U+FFFD on the way. */
export async function wholeIds(native: Tokenizer, text: string): Promise<number[]> {
  const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
  return (await native.encode(wellFormed, null, { addSpecialTokens: false })).getIds();
}

function frame() {
  const token = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      { ...token, id: 0, content: '<unk>' },
      { ...token, id: 1, content: '<s>' },
    ],
    post_processor: null,
    decoder: null,
  };
}

function bpe(alphabet: readonly string[], merges: readonly string[], options: Record<string, unknown>) {
  const tokens = new Set(['<unk>', '<s>', ...alphabet, ...merges.map((merge) => merge.replace(' ', ''))]);
  const vocab = Object.fromEntries([...tokens].map((token, id) => [token, id]));
  return { type: 'BPE', dropout: null, vocab, merges, ...options };
}

/** GPT-2's letters for the 256 bytes: printable ones stand for themselves. */
function byteAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : next++);
  });
}
