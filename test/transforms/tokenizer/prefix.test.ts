import t from 'tap';
import { safeCut } from '../../../transforms/tokenizer/prefix.js';

const cut = (text: string, limit: number, spaceOnly = false) => {
  const at = safeCut(text, limit, spaceOnly);
  return [text.slice(0, at), text.slice(at)];
};

t.test(
  'cuts behind a letter, before white space or punctuation, at the last place up to the limit',
  async (t) => {
    const text = 'one two,three. four\nfive';
    t.strictSame(cut(text, 3), ['one', ' two,three. four\nfive']);
    t.strictSame(cut(text, 6), ['one', ' two,three. four\nfive']);
    t.strictSame(cut(text, 7), ['one two', ',three. four\nfive']);
    t.strictSame(cut(text, 18), ['one two,three', '. four\nfive']);
    t.strictSame(cut(text, 19), ['one two,three. four', '\nfive']);
    t.strictSame(cut(text, 99), ['one two,three. four', '\nfive'], 'the end is not a cut');
    t.strictSame(cut('漢字。漢字、かな', 6), ['漢字。漢字', '、かな']);
    t.strictSame(cut('漢字。かな', 4), ['漢字', '。かな']);
  },
);

t.test('before a space only, where asked', async (t) => {
  t.strictSame(cut('one two,three.\nfour', 18, true), ['one', ' two,three.\nfour']);
});

t.test('not where a token could reach over, nor at the start', async (t) => {
  t.equal(safeCut('one', 3, false), 0);
  t.equal(safeCut('', 5, false), 0);
  t.equal(safeCut(' one', 2, false), 0);
  t.equal(safeCut('123 456', 5, false), 0, 'behind a digit');
  t.equal(safeCut('a! b', 3, false), 0, 'behind punctuation');
  t.equal(safeCut('a\u0301 b', 3, false), 0, 'behind a combining mark');
  t.equal(safeCut('\u0915\u093c, b', 3, false), 0, 'behind a nukta');
  t.equal(safeCut('\u0958, b', 2, false), 0, 'behind a letter that NFC makes a letter and a nukta');
  t.equal(safeCut('𝒳 b', 3, false), 0, 'behind half a letter');
  t.equal(safeCut('\ud800 b', 2, false), 0, 'behind a lone surrogate');
  t.equal(safeCut("it's-b;c:d(e", 11, false), 0, 'before other punctuation');
  t.equal(safeCut('é x', 2, false), 1, 'but behind a composed letter');
});
