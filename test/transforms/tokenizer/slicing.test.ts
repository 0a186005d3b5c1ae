import t from 'tap';
import { slicingOf } from '../../../transforms/tokenizer/slicing.js';
import { parseTokenizerJson } from '../../../transforms/tokenizer/tokenizer-json.js';
import {
  byteLevelTokenizer,
  kinds,
  LLAMA,
  sentencePieceTokenizer,
  type TokenizerObject,
} from './small-tokenizers.js';

const slicing = (json: TokenizerObject) => slicingOf(parseTokenizerJson(json));

t.test('knows the common kinds', async (t) => {
  const anywhere = { spaceOnly: false, dropSpace: false, unsliceable: [] };
  const spaces = { spaceOnly: true, dropSpace: false, unsliceable: [] };
  t.strictSame(Object.fromEntries(Object.entries(kinds).map(([name, json]) => [name, slicing(json)])), {
    'GPT-2': anywhere,
    'GPT-2 with a space before': spaces,
    'Llama 3': anywhere,
    Qwen: anywhere,
    SmolLM2: anywhere,
    'Llama 2': { spaceOnly: true, dropSpace: true, unsliceable: ['<unk>', '<s>'] },
    'Metaspace, always': spaces,
    'Metaspace, first': spaces,
    'Metaspace, never': spaces,
  });
});

t.test('encodes whole where a cut is not known to be safe', async (t) => {
  const base = byteLevelTokenizer(LLAMA);
  const piece = sentencePieceTokenizer();
  const added = (token: Record<string, unknown>) => ({
    ...base,
    added_tokens: [...base.added_tokens, { ...base.added_tokens[0], id: 999, content: 'x', ...token }],
  });
  const refused: Readonly<Record<string, TokenizerObject>> = {
    'an unknown expression': byteLevelTokenizer('\\w+,?|\\W'),
    'no splitting': {
      ...base,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    },
    'an unknown pre-tokenizer': { ...base, pre_tokenizer: { type: 'Whitespace' } },
    'a normalizer that turns letters into others': { ...base, normalizer: { type: 'NFKC' } },
    'an added token with a space': added({ content: 'a b' }),
    'an added token with a line end': added({ content: '\n\n' }),
    'an added token that takes the space before it': added({ lstrip: true }),
    'an added token that takes the space behind it': added({ rstrip: true }),
    'random merges': { ...base, model: { ...base.model, dropout: 0.1 } },
    'marked word ends': { ...base, model: { ...base.model, end_of_word_suffix: '</w>' } },
    'another model': { ...base, model: { ...base.model, type: 'WordPiece' } },
    'a token with ▁ in its middle': {
      ...piece,
      model: { ...piece.model, vocab: { ...(piece.model['vocab'] as object), 't▁t': 900 } },
    },
    'a whole text looked up before it is merged': {
      ...piece,
      model: { ...piece.model, ignore_merges: true },
    },
  };
  for (const [why, json] of Object.entries(refused)) t.equal(slicing(json), undefined, why);
  t.ok(slicing(added({})), 'while an ordinary added token is no obstacle');
});
