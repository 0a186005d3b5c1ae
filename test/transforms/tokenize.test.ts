import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Dictionary, Float64, Int8, Int32, LargeUtf8, Utf8, vectorFromArray } from 'apache-arrow';
import t, { type Test } from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { readParquet } from '../../transforms/read-parquet.js';
import { tokenize } from '../../transforms/tokenize.js';
import { DocumentTokenizer } from '../../transforms/tokenizer/tokenizer.js';
import { type TestColumn, writeTestParquet } from '../fixtures/parquet.js';
import { writeTokenizer } from '../fixtures/tokenizer.js';
import { names, openSource, readAll, type TestContext, testContext, transformed, values } from './context.js';

const model = t.testdir({});
await writeTokenizer(model);
const tokenizer = await DocumentTokenizer.open(model);

const texts = [
  'the one in the other',
  'a',
  'and ending on the',
  '👩‍👩‍👧 é',
  '\ufeffmarked',
  'word '.repeat(500),
];
const ids = (text: string, length: number) => tokenizer.first(text, length).then((own) => [...own]);

async function batchesOf(t: Test, columns: Record<string, TestColumn>, rows = 1000): Promise<Batch[]> {
  const file = join(t.testdir({}), 'pool.parquet');
  await writeTestParquet(file, columns, { rowGroupRows: rows });
  return await readAll(await openSource(readParquet, { path: file }, testContext(t)));
}

async function run(
  t: Test,
  columns: Record<string, TestColumn>,
  options = {},
): Promise<{ out: Batch[]; context: TestContext }> {
  const context = testContext(t);
  const input = await batchesOf(t, columns, 3);
  return { out: await transformed(tokenize, { model, ...options }, input, context), context };
}

t.test('ids of each text, cut to max_length, whatever the type of the column', async (t) => {
  const expected = await Promise.all(texts.map((text) => ids(text, 10)));
  for (const type of [new Utf8(), new LargeUtf8(), new Dictionary(new Utf8(), new Int8())]) {
    const { out, context } = await run(t, { doc: { type, values: texts } }, { max_length: 10 });
    t.same(values(out, 'nag_input_ids'), expected, String(type));
    t.equal(context.provenance.get('nag.tokenizer'), tokenizer.sha256);
  }
});

t.test('the column says how it was made', async (t) => {
  const { out } = await run(t, { doc: texts }, { max_length: 7 });
  const field = out[0]!.columns.schema.fields.find(({ name }) => name === 'nag_input_ids');
  t.same(
    [...(field?.metadata ?? [])],
    [
      ['nag.tokenizer', tokenizer.sha256],
      ['nag.vocabulary', String(tokenizer.vocabulary)],
      ['nag.max_length', '7'],
    ],
  );
});

t.test('other columns pass, those of the same kind too', async (t) => {
  const { out } = await run(t, { input_ids: [1, 2], doc: ['a', 'b'], token_count: [5, 6] }, { count: true });
  t.same(names(out[0]!), ['input_ids', 'doc', 'token_count', 'nag_input_ids', 'nag_tokens']);
  t.same(values(out, 'input_ids'), [1, 2]);
  t.same(values(out, 'token_count'), [5, 6]);
});

t.test('count: all tokens, in a column that plays the role', async (t) => {
  const { out } = await run(t, { doc: texts }, { max_length: 3, count: true });
  t.same(values(out, 'nag_tokens'), await Promise.all(texts.map((text) => tokenizer.count(text))));
  t.ok(out.every((batch) => batch.roles.tokens === 'nag_tokens'));
  t.same(tokenize.provides?.({ count: true }), ['tokens']);
  t.same(tokenize.provides?.({ count: false }), []);
});

t.test('documents without a token stop the run, with their row', async (t) => {
  for (const [doc, row] of [
    [['a', 'b', 'c', 'd', ''], 4],
    [['a', null], 1],
    [['', 'a'], 0],
  ] as const)
    await t.rejects(run(t, { doc }), {
      message: new RegExp(
        `pool\\.parquet: row ${row}, column "doc": the text is empty or null and has no token`,
      ),
    });
});

t.test('or are left out and counted', async (t) => {
  const doc = ['', 'a', null, '', '', '', 'b', 'c'];
  const { out, context } = await run(
    t,
    { doc, n: [0, 1, 2, 3, 4, 5, 6, 7] },
    { on_empty: 'skip', count: true },
  );
  t.same(values(out, 'n'), [1, 6, 7]);
  t.same(values(out, 'nag_input_ids'), await Promise.all(['a', 'b', 'c'].map((text) => ids(text, 120))));
  t.same(values(out, 'nag_tokens'), [1, 1, 1]);
  t.same(
    out.flatMap((batch) => [...batch.rows]),
    [1, 6, 7],
  );
  t.same([...context.left], [['no token', 5]]);
  t.same(
    out.map((batch) => batch.rows.length),
    [1, 0, 2],
    'a batch of which nothing is left still has its columns',
  );
  t.equal(tokenize.mayDrop?.({ on_empty: 'skip' }), true);
  t.equal(tokenize.mayDrop?.({ on_empty: 'fail' }), false);
});

t.test('a column that is no text', async (t) => {
  for (const column of [
    { type: new Float64(), values: [1, 2] },
    { type: new Dictionary(new Int32(), new Int32()), values: [1, 2] },
  ])
    await t.rejects(run(t, { doc: column }), {
      message:
        /pool\.parquet: column "doc": expected text, found .*; name the text column with columns: \{text: …\}$/,
    });
});

t.test('a column of JSON texts is no text: it would be tokenized with its quotes', async (t) => {
  const dir = t.testdir({ 'a.jsonl': '{"doc": "text"}\n{"doc": 5}\n' });
  const source = await openSource(readJsonl, { path: dir }, testContext(t));
  await t.rejects(transformed(tokenize, { model }, await readAll(source), testContext(t)), {
    message: /a\.jsonl: column "doc": expected text, found values of several types \(kept as JSON text\)/,
  });
});

t.test('no text column', async (t) => {
  await t.rejects(run(t, { body: ['a'] }), {
    message:
      /pool\.parquet: there is no column "doc" for "text" \(columns: body\); name the right one with columns: \{text: …\} on the source, or format$/,
  });
});

t.test('batches without rows', async (t) => {
  const { out } = await run(t, { doc: vectorFromArray([], new Utf8()) }, { count: true });
  t.same(
    out.map((batch) => [batch.rows.length, names(batch)]),
    [[0, ['doc', 'nag_input_ids', 'nag_tokens']]],
  );
});

t.test('one tokenizer for all stages that use it', async (t) => {
  const context = testContext(t);
  let opened = 0;
  const counting: TestContext = {
    ...context,
    resource: (key, open) =>
      context.resource(key, () => {
        opened++;
        return open();
      }),
  };
  const input = await batchesOf(t, { doc: texts });
  await transformed(tokenize, { model }, input, counting);
  await transformed(tokenize, { model, max_length: 5 }, input, counting);
  t.equal(opened, 1);
});

t.test('BPE dropout is reported', async (t) => {
  const random = join(model, 'random');
  const json = JSON.parse(await readFile(tokenizer.file, 'utf8'));
  await mkdir(random);
  await writeFile(
    join(random, 'tokenizer.json'),
    JSON.stringify({ ...json, model: { ...json.model, dropout: 0.1 } }),
  );
  const { out, context } = await run(t, { doc: texts }, { model: random, max_length: 10 });
  t.strictSame(values(out, 'nag_input_ids'), await Promise.all(texts.map((text) => ids(text, 10))));
  t.match(context.notes, [/BPE dropout, .* it is switched off/]);
});
