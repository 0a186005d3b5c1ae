import t from 'tap';
import { parseTokenizerJson, vocabularySize } from '../../../transforms/tokenizer/tokenizer-json.js';

const size = (value: unknown) => vocabularySize(parseTokenizerJson(value));

t.test('the vocabulary reaches to the largest id, wherever that is', async (t) => {
  t.equal(size({ model: { vocab: { a: 0, b: 7 } } }), 8, 'gaps count');
  t.equal(size({ model: { vocab: { a: 0 } }, added_tokens: [{ id: 9, content: '<s>' }] }), 10);
  t.equal(size({ model: { vocab: { a: 9 } }, added_tokens: [{ id: 2, content: '<s>' }] }), 10);
  t.equal(
    size({
      model: {
        type: 'Unigram',
        vocab: [
          ['a', -1.5],
          ['b', -2],
        ],
      },
    }),
    2,
  );
});

t.test('names what is not as expected', async (t) => {
  t.throws(() => parseTokenizerJson([]), /the file: /);
  t.throws(() => parseTokenizerJson({}), /^model: /);
  t.throws(() => parseTokenizerJson({ model: { vocab: 5 } }), /model\.vocab/);
  t.throws(
    () => parseTokenizerJson({ model: { vocab: {} }, added_tokens: [{ id: -1, content: '' }] }),
    /added_tokens\.0\.id/,
  );
});

t.test(
  'a merge that does not fit its prefix is told: the native library would end the process',
  async (t) => {
    const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, continuing_subword_prefix: '##' };
    for (const merges of [['a b'], [['a', 'b']]])
      t.throws(() => parseTokenizerJson({ model: { ...model, merges } }), {
        message: 'model.merges: "b" does not start with continuing_subword_prefix "##"',
      });
    t.doesNotThrow(() => parseTokenizerJson({ model: { ...model, merges: ['a ##b'] } }));
  },
);
