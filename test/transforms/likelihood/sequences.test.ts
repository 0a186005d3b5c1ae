import t, { type Test } from 'tap';
import {
  type Encoded,
  encodePair,
  encodeText,
  logLikelihood,
} from '../../../transforms/likelihood/sequences.js';
import { DocumentTokenizer } from '../../../transforms/tokenizer/tokenizer.js';
import { writeTokenizer } from '../../fixtures/tokenizer.js';

async function open(t: Test) {
  const dir = t.testdir({});
  await writeTokenizer(dir, { style: 'gpt2' });
  const tokenizer = await DocumentTokenizer.open(dir);
  t.teardown(() => tokenizer.close());
  return tokenizer;
}

function plain(found: Encoded) {
  return typeof found === 'string' ? found : { ...found, ids: [...found.ids] };
}

t.test('a text: all but the first token are predicted, behind a BOS all', async (t) => {
  const tokenizer = await open(t);
  const ids = [...(await tokenizer.all('the wind on the sea'))];
  const rules = { tokenizer, maxLength: 100, bos: undefined };
  t.same(plain(await encodeText('the wind on the sea', rules)), { ids, from: 1, cut: false });
  t.same(plain(await encodeText('the wind on the sea', { ...rules, bos: 7 })), {
    ids: [7, ...ids],
    from: 1,
    cut: false,
  });
  t.same(plain(await encodeText('the wind on the sea', { ...rules, maxLength: 4, bos: 7 })), {
    ids: [7, ...ids.slice(0, 3)],
    from: 1,
    cut: true,
  });
  t.same(plain(await encodeText('the wind on the sea', { ...rules, maxLength: ids.length })), {
    ids,
    from: 1,
    cut: false,
  });
  t.match(await encodeText('', rules), /empty or null/);
  t.match(await encodeText('a', rules), /one token and none before it/);
  t.same(plain(await encodeText('a', { ...rules, bos: 7 })), {
    ids: [7, ...(await tokenizer.all('a'))],
    from: 1,
    cut: false,
  });
});

t.test('white space at the end of a context belongs to the continuation', async (t) => {
  const tokenizer = await open(t);
  const rules = { tokenizer, maxLength: 100, bos: undefined };
  const context = [...(await tokenizer.all('on the'))];
  for (const white of ['', ' ', '\n', '\u00a0 ', '\u0085', '\u001c\u2003']) {
    const whole = [...(await tokenizer.all(`on the${white} sea`))];
    t.same(plain(await encodePair(`on the${white}`, ' sea', rules)), {
      ids: [...context, ...whole.slice(context.length)],
      from: context.length,
      cut: false,
    });
  }
  const mark = await encodePair('on the\ufeff', ' sea', rules);
  t.same(typeof mark === 'string' ? mark : mark.from, (await tokenizer.all('on the\ufeff')).length);
});

t.test(
  'a merge over the border: the context as it is alone, then what is behind as many tokens',
  async (t) => {
    const tokenizer = await open(t);
    const found = await encodePair('t', 'he sea', { tokenizer, maxLength: 100, bos: undefined });
    const whole = [...(await tokenizer.all('the sea'))];
    t.same(plain(found), {
      ids: [...(await tokenizer.all('t')), ...whole.slice(1)],
      from: 1,
      cut: false,
    });
  },
);

t.test('too long: tokens go from the start, a BOS first, but none that is asked for', async (t) => {
  const tokenizer = await open(t);
  const following = (await tokenizer.all(' sea')).length;
  const all = [...(await tokenizer.all('on the other side of the sea'))];
  const rules = { tokenizer, maxLength: following + 2, bos: 7 };
  t.same(plain(await encodePair('on the other side of the', ' sea', rules)), {
    ids: all.slice(-following - 2),
    from: 2,
    cut: true,
  });
  t.match(
    await encodePair('on the other side', ' sea', { ...rules, maxLength: following }),
    /as many tokens as max_length/,
  );
});

t.test('nothing before a continuation, or no token in it', async (t) => {
  const tokenizer = await open(t);
  const rules = { tokenizer, maxLength: 100, bos: undefined };
  t.match(await encodePair('', ' sea', rules), /context is empty/);
  t.match(await encodePair(' \n', ' sea', rules), /context is empty/);
  t.match(await encodePair('the sea', '', rules), /no token of its own/);
  const found = await encodePair('', ' sea', { ...rules, bos: 7 });
  t.same(plain(found), { ids: [7, ...(await tokenizer.all(' sea'))], from: 1, cut: false });
});

t.test('only the tokens that count are summed', async (t) => {
  const values = Float32Array.of(-1, -2, -4, -8);
  const ids = new Int32Array(5);
  t.equal(logLikelihood(values, { ids, from: 1, cut: false }), -15);
  t.equal(logLikelihood(values, { ids, from: 4, cut: false }), -8);
});
