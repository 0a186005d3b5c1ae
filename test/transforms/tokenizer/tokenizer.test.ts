import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Tokenizer } from 'tokenizers';
import { DocumentTokenizer } from '../../../transforms/tokenizer/tokenizer.js';
import { allSame } from '../../fixtures/all-same.js';
import {
  byteLevelTokenizer,
  kinds,
  LLAMA,
  type TokenizerObject,
  texts,
  wholeIds,
} from './small-tokenizers.js';

async function opened(t: Test, json: TokenizerObject): Promise<DocumentTokenizer> {
  const dir = t.testdir({ 'tokenizer.json': JSON.stringify(json) });
  return DocumentTokenizer.open(dir);
}

/** Characters of the longest text that is encoded while `work` runs. */
async function longestEncoded(t: Test, work: () => Promise<void>): Promise<number> {
  const encoded = t.capture(Tokenizer.prototype, 'encode', Tokenizer.prototype.encode);
  await work();
  encoded.restore();
  return Math.max(...encoded().map(({ args }) => String(args[0]).length));
}

for (const [name, json] of Object.entries(kinds)) {
  t.test(`first and count are those of the whole text: ${name}`, async (t) => {
    const native = Tokenizer.fromString(JSON.stringify(json));
    const tokenizer = await opened(t, json);
    const short = [...texts(25, 120), ' ', '', ' the', 'the', '  the cat', '\u0958, the cats'];
    await allSame(t, 'ids and counts of short texts', async (same) => {
      for (const text of short) {
        const whole = await wholeIds(native, text);
        for (const maxLength of [1, 4, 30, 100_000]) {
          const name = () => `first ${maxLength} of ${JSON.stringify(text)}`;
          same([...(await tokenizer.first(text, maxLength))], whole.slice(0, maxLength), name);
        }
        same(await tokenizer.count(text), whole.length, () => `the count of ${JSON.stringify(text)}`);
      }
    });
    for (const long of texts(1, 32_000)) {
      const plain = long.replaceAll('<s>', 'cat');
      const [expected, expectedPlain] = [await wholeIds(native, long), await wholeIds(native, plain)];
      const longest = await longestEncoded(t, async () => {
        t.equal(await tokenizer.count(plain), expectedPlain.length, 'in slices');
      });
      t.ok(
        longest <= 1 << 16 && longest > 1 << 15,
        `encoded ${longest} of ${plain.length} characters at once`,
      );
      t.equal(await tokenizer.count(long), expected.length, 'with special tokens');
      const read = await longestEncoded(t, async () => {
        t.strictSame([...(await tokenizer.first(long, 50))], expected.slice(0, 50));
      });
      t.ok(read <= 1200, `encoded ${read} characters for 50 tokens`);
    }
  });
}

t.test('a cut at each place of a long text', async (t) => {
  const patterns = [' the cat', ' the <s>', 'the,', 'the\n'];
  for (const name of ['GPT-2 with a space before', 'Llama 3', 'Llama 2', 'Metaspace, first']) {
    const json = kinds[name]!;
    const native = Tokenizer.fromString(JSON.stringify(json));
    const tokenizer = await opened(t, json);
    for (const pattern of patterns) {
      const text = pattern.repeat(Math.ceil(70_000 / pattern.length));
      const expected = (await wholeIds(native, text)).length;
      t.equal(await tokenizer.count(text), expected, `${name}: ${JSON.stringify(pattern)}`);
    }
  }
});

t.test('behind a letter that NFC takes apart', async (t) => {
  const json = byteLevelTokenizer(LLAMA);
  const text = `the${' the'.repeat(20)} \u0958,${'x'.repeat(200)}`;
  const whole = await wholeIds(Tokenizer.fromString(JSON.stringify(json)), text);
  const tokenizer = await opened(t, json);
  await allSame(t, 'ids', async (same) => {
    for (let maxLength = 15; maxLength < 40; maxLength++)
      same([...(await tokenizer.first(text, maxLength))], whole.slice(0, maxLength), `first ${maxLength}`);
  });
});

t.test('a text that cannot be cut is encoded whole', async (t) => {
  const json = byteLevelTokenizer();
  json.added_tokens.push({ ...json.added_tokens[1], id: 999, content: 'cat. the' });
  const tokenizer = await opened(t, json);
  const text = 'cat. the '.repeat(20_000);
  const whole = await wholeIds(Tokenizer.fromString(JSON.stringify(json)), text);
  t.strictSame([...(await tokenizer.first(text, 9))], whole.slice(0, 9));
  t.equal(await tokenizer.count(text), whole.length);
});

t.test("the file's truncation, padding and special tokens do not apply", async (t) => {
  const json = {
    ...byteLevelTokenizer(),
    truncation: { direction: 'Right', max_length: 3, strategy: 'LongestFirst', stride: 0 },
    padding: { strategy: { Fixed: 12 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '<unk>' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
  };
  const native = Tokenizer.fromString(JSON.stringify(json));
  t.equal((await native.encode('the cat sat')).getLength(), 12, 'the library alone applies them');
  const tokenizer = await opened(t, json);
  const ids = await tokenizer.first('the cat sat', 100);
  t.equal(ids.length, 6, 'the, Ġcat, Ġ, s, a, t');
  t.equal(await tokenizer.count('the cat sat'), 6);
  t.notOk(ids.includes(1) || ids.includes(0));
  t.equal((await tokenizer.first('the<s>', 9))[1], 1, 'a special token written in the text is one');
});

t.test('tells what it is', async (t) => {
  const json = byteLevelTokenizer();
  const dir = t.testdir({ 'tokenizer.json': JSON.stringify(json) });
  const tokenizer = await DocumentTokenizer.open(dir);
  t.equal(tokenizer.file, join(dir, 'tokenizer.json'));
  t.match(tokenizer.sha256, /^[0-9a-f]{64}$/);
  t.equal(tokenizer.sha256, (await DocumentTokenizer.open(tokenizer.file)).sha256);
  const size = Object.keys(json.model['vocab'] as object).length;
  t.equal(tokenizer.vocabulary, size);
  json.added_tokens.push({ ...json.added_tokens[1], id: 5000, content: '<far>' });
  t.equal((await opened(t, json)).vocabulary, 5001);
  await t.rejects(tokenizer.first('a', 0), RangeError);
  await t.rejects(tokenizer.first('a', 1.5), RangeError);
  tokenizer.close();
  await t.rejects(tokenizer.first('a', 1), /the tokenizer is closed/);
});

t.test('says what is wrong with a file', async (t) => {
  const whole = JSON.stringify(byteLevelTokenizer());
  const dir = t.testdir({
    empty: {},
    'short.json': whole.slice(0, -20),
    'other.json': '{"vocab_size": 5}',
    'list.json': '[]',
    'zero.json': '',
    'lfs.json': 'version https://example.org/git-lfs/spec/v1\noid sha256:00\nsize 5\n',
    'model.json': whole.replace('"type":"ByteLevel"', '"type":"Unheard"'),
  });
  for (const [name, message] of [
    ['missing.json', /missing\.json: expected a tokenizer\.json or a folder that has one, found nothing/],
    ['empty', /empty: the folder has no tokenizer\.json/],
    ['short.json', /short\.json: not JSON, or cut short/],
    ['zero.json', /zero\.json: not JSON, or cut short/],
    ['other.json', /other\.json: not a Hugging Face tokenizer\.json: model/],
    ['list.json', /list\.json: not a Hugging Face tokenizer\.json/],
    [
      'lfs.json',
      /lfs\.json: this is a Git LFS pointer, not the file of 5 bytes that it stands for: run "git lfs pull"/,
    ],
    ['model.json', /model\.json: the tokenizer cannot be loaded/],
  ] as const) {
    await t.rejects(DocumentTokenizer.open(join(dir, name)), { name: 'DataError', message });
  }
});

t.test('a text that the library cannot encode', async (t) => {
  const json = byteLevelTokenizer();
  json.model['vocab'] = Object.fromEntries(
    Object.entries(json.model['vocab'] as object).filter(([token]) => token !== 'q'),
  );
  json.model['unk_token'] = '<gone>';
  const tokenizer = await opened(t, json);
  await t.rejects(tokenizer.first('the queen', 5), {
    name: 'DataError',
    message: /tokenizer\.json: cannot tokenize a text of 9 characters/,
  });
});

t.test('BPE dropout is switched off: ids are those without it, each time, and it is said', async (t) => {
  const json = kinds[Object.keys(kinds)[0]!]!;
  const model = json['model'] as Record<string, unknown>;
  const [plain, random] = [
    await opened(t, json),
    await opened(t, { ...json, model: { ...model, dropout: 0.5 } }),
  ];
  const ids = async (tokenizer: DocumentTokenizer) => {
    const found: number[][] = [];
    for (const text of texts(10, 400))
      found.push([...(await tokenizer.first(text, 50))], [await tokenizer.count(text)]);
    return found;
  };
  const expected = await ids(plain);
  t.strictSame([await ids(random), await ids(random)], [expected, expected]);
  t.equal(plain.remark, undefined);
  t.match(random.remark, /the tokenizer has BPE dropout, .* it is switched off/);
});

t.test('a byte order mark, and tokenizers in other forms', async (t) => {
  const json = JSON.stringify(kinds[Object.keys(kinds)[0]!]);
  const dir = t.testdir({
    bom: { 'tokenizer.json': `\uFEFF${json}` },
    older: { 'tokenizer.model': '' },
    lora: { 'adapter_config.json': '{"peft_type":"LORA"}' },
  });
  t.ok((await DocumentTokenizer.open(join(dir, 'bom'))).vocabulary > 0);
  await t.rejects(DocumentTokenizer.open(join(dir, 'older')), {
    message: `${dir}/older: the folder has no tokenizer.json: make it from tokenizer.model, in Python transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)`,
  });
  await t.rejects(DocumentTokenizer.open(join(dir, 'lora')), {
    message: /lora: this folder holds an adapter \(LORA\)/,
  });
});
