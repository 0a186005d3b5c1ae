import { join } from 'node:path';
import { Bool, type DataType, Field, Float64, Int32, Int64, List, Struct, Utf8 } from 'apache-arrow';
import t from 'tap';
import { type Batch, placeOf } from '../../pipeline/batch.js';
import { placeText } from '../../pipeline/errors.js';
import { likelihood } from '../../transforms/likelihood.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { overwrite } from '../fixtures/damage.js';
import { batchOf, recordBatch } from '../fixtures/engine.js';
import { names, parsed, testContext, transformed, values } from './context.js';

const model = t.testdir({});
await writeModelFolder(model, 'qwen3', { config: { num_hidden_layers: 2 } });
const cpu = { model, device: 'cpu', threads: 1 };

const text = new Utf8();
const texts = new List(new Field('item', text));

const documents = Array.from(
  { length: 30 },
  (_, i) => `text ${i} ${'and more of the other '.repeat((i * 7) % 11)}`,
);

function documentBatches(size: number): Batch[] {
  return Array.from({ length: Math.ceil(documents.length / size) }, (_, i) => {
    const doc = documents.slice(i * size, (i + 1) * size);
    return batchOf(recordBatch({ doc: [text, doc], n: [new Int32(), doc.map((_, at) => i * size + at)] }), i);
  });
}

const questions = {
  q: ['where is the sea', 'what is white', 'who sees'],
  c: [
    ['on the land', 'over there', 'in a'],
    ['the wind', 'this'],
    ['one', 'and the others', 'is', 'in'],
  ],
};

function questionBatch(more: Record<string, readonly [DataType, readonly unknown[]]> = {}): Batch {
  return batchOf(recordBatch({ q: [text, questions.q], c: [texts, questions.c], ...more }), 0);
}

const ask = { ...cpu, context: 'Question: {q}\nAnswer:', choices: 'c' };

t.test('windows, batches and neighbours change no loss, and rows keep their order', async (t) => {
  const context = testContext(t);
  const expected = await transformed(likelihood, { ...cpu, batch_tokens: 1 }, documentBatches(30), context);
  t.same(names(expected[0]!), ['doc', 'n', 'loss', 'predicted_tokens']);
  t.ok((values(expected, 'loss') as number[]).every((loss) => loss > 0));
  for (const [size, window, batch_tokens] of [
    [7, 1, 200],
    [4, 1000, 4096],
    [30, 9, 300],
  ] as const) {
    const own = testContext(t);
    const out = await transformed(likelihood, { ...cpu, window, batch_tokens }, documentBatches(size), own);
    t.same(
      values(out, 'n'),
      documents.map((_, i) => i),
    );
    t.same(values(out, 'loss'), values(expected, 'loss'), 'to the bit');
    t.same(values(out, 'predicted_tokens'), values(expected, 'predicted_tokens'));
  }
});

t.test('texts are cut, and it is counted', async (t) => {
  const context = testContext(t);
  const out = await transformed(likelihood, { ...cpu, max_length: 12 }, documentBatches(30), context);
  const tokens = values(out, 'predicted_tokens') as number[];
  t.equal(Math.max(...tokens), 11);
  const cut = context.figures.get('cut to max_length') ?? 0;
  t.ok(cut > 0 && cut < documents.length);
  t.equal(
    context.figures.get('tokens'),
    tokens.reduce((sum, count) => sum + count + 1, 0),
  );
});

t.test('a BOS by its text; a model without one; a token that is not there', async (t) => {
  const context = testContext(t);
  const bos = { ...cpu, bos: '<|endoftext|>' };
  const [with_, without] = [
    await transformed(likelihood, bos, documentBatches(30), context),
    await transformed(likelihood, cpu, documentBatches(30), context),
  ];
  const more = (values(without, 'predicted_tokens') as number[]).map((count) => count + 1);
  t.same(values(with_, 'predicted_tokens'), more);
  await t.rejects(transformed(likelihood, { ...cpu, bos: true }, documentBatches(30), context), {
    message: /config.json: "bos_token_id": expected a token id, as the tokenizer names no BOS, found null/,
  });
  await t.rejects(transformed(likelihood, { ...cpu, bos: '<none>' }, documentBatches(30), context), {
    message: /there is no token "<none>"/,
  });
});

t.test('choices by index, by label column and by given labels: the same answers', async (t) => {
  const context = testContext(t);
  const labels = {
    l: [
      texts,
      [
        ['A', 'B', 'C'],
        ['1', '2'],
        ['A', 'B', 'C', 'D'],
      ],
    ] as const,
  };
  const byIndex = { ...ask, answer: 'a' };
  const given = await transformed(
    likelihood,
    byIndex,
    [questionBatch({ a: [new Int64(), [2n, 0n, 1n]] })],
    context,
  );
  t.same(names(given[0]!).slice(3), ['log_likelihoods', 'choice', 'choice_norm', 'correct', 'correct_norm']);
  t.same(
    (values(given, 'log_likelihoods') as number[][]).map((own) => own.length),
    [3, 2, 4],
  );
  t.same(
    values(given, 'correct'),
    (values(given, 'choice') as number[]).map((choice, row) => choice === [2, 0, 1][row]),
  );
  const byLabel = await transformed(
    likelihood,
    { ...ask, answer: 'a', labels: 'l' },
    [questionBatch({ a: [text, ['C', '1', 'B']], ...labels })],
    context,
  );
  t.same(values(byLabel, 'correct_norm'), values(given, 'correct_norm'));
  const byList = await transformed(
    likelihood,
    { ...ask, answer: 'a', labels: ['A', 'B', 'C', 'D'] },
    [questionBatch({ a: [text, ['C', 'A', 'B']] })],
    context,
  );
  t.same(values(byList, 'correct'), values(given, 'correct'));
  t.same(values(byList, 'log_likelihoods'), values(given, 'log_likelihoods'));
  const unknown = await transformed(likelihood, { ...ask, suffix: '_x' }, [questionBatch()], context);
  t.same(names(unknown[0]!).slice(2), ['log_likelihoods_x', 'choice_x', 'choice_norm_x']);
});

t.test('a column a choice, and choices inside a struct', async (t) => {
  const context = testContext(t);
  const two = batchOf(
    recordBatch({ q: [text, ['where']], a: [text, ['on the land']], b: [text, ['over there']] }),
    0,
  );
  const columns = await transformed(likelihood, { ...ask, choices: ['a', 'the {b}'] }, [two], context);
  const type = new Struct([new Field('text', texts)]);
  const inside = batchOf(
    recordBatch({ q: [text, ['where']], c: [type, [{ text: ['on the land', 'the over there'] }]] }),
    0,
  );
  const struct = await transformed(likelihood, { ...ask, choices: 'c.text' }, [inside], context);
  t.same(values(struct, 'log_likelihoods'), values(columns, 'log_likelihoods'));
  t.same(
    likelihood.needs?.(parsed(likelihood, { ...ask, choices: ['a', 'the {b}'], answer: 'n', labels: 'l' })),
    {
      columns: ['q', 'a', 'b', 'n', 'l'],
    },
  );
});

t.test('rows with nothing to measure: named, or left out and counted', async (t) => {
  const lost = batchOf(recordBatch({ doc: [text, ['the sea', null, '', 'a', 'the land']] }), 0);
  await t.rejects(transformed(likelihood, cpu, [lost], testContext(t)), {
    message: /memory-0: row 1: the text is empty or null; mend or remove the row, or set on_unusable: skip/,
  });
  const context = testContext(t);
  const out = await transformed(likelihood, { ...cpu, on_unusable: 'skip' }, [lost], context);
  t.same(values(out, 'doc'), ['the sea', 'the land']);
  t.same([...context.left.values()], [2, 1]);

  const bad = batchOf(
    recordBatch({
      q: [text, ['a', null, 'a', 'a', 'a', 'a', 'a']],
      c: [texts, [['x', 'y'], ['x', 'y'], null, ['x'], ['x', ''], ['x', 'y'], ['x', 'y']]],
      a: [new Float64(), [1, 1, 1, 1, 1, 2, null]],
    }),
    0,
  );
  const own = testContext(t);
  const asked = await transformed(likelihood, { ...ask, answer: 'a', on_unusable: 'skip' }, [bad], own);
  t.same(values(asked, 'q'), ['a']);
  t.same(Object.fromEntries(own.left), {
    'the context is null': 1,
    'there are not two choices': 2,
    'a choice is empty or null': 1,
    'the answer is none of the choices': 1,
    'the answer is null': 1,
  });
});

t.test('columns that are missing or of other types', async (t) => {
  const context = testContext(t);
  const rejects = (options: Record<string, unknown>, message: RegExp) =>
    t.rejects(transformed(likelihood, { ...ask, ...options }, [questionBatch()], context), { message });
  await rejects({ context: '{question}' }, /there is no column "question" \(columns: q, c\)/);
  await rejects({ choices: 'q' }, /column "q": expected lists of texts, found Utf8/);
  await rejects({ context: 'c' }, /column "c": expected text, found List/);
  await rejects({ answer: 'q' }, /the answer is a text: give its labels/);
});

t.test('options that do not go together', async (t) => {
  for (const wrong of [{ context: 'q' }, { choices: 'c' }, { answer: 'a' }, { labels: 'l' }])
    t.notOk(likelihood.options.safeParse({ model, ...wrong }).success, JSON.stringify(wrong));
});

t.test('batches without rows, and no batches', async (t) => {
  const context = testContext(t);
  const none = batchOf(recordBatch({ q: [text, []], c: [texts, []], a: [new Int32(), []] }), 0);
  const [out] = await transformed(likelihood, { ...ask, answer: 'a' }, [none], context);
  t.equal(out!.columns.numRows, 0);
  t.ok(out!.columns.getChild('correct')?.type instanceof Bool);
  t.same(await transformed(likelihood, cpu, [], context), []);
});

t.test('a failure or an end of the reader while the model works', async (t) => {
  const context = testContext(t);
  const input = documentBatches(5);
  let closed = false;
  async function* failing() {
    try {
      yield input[0]!;
      yield input[1]!;
      throw new Error('the disk is gone');
    } finally {
      closed = true;
    }
  }
  const options = parsed(likelihood, { ...cpu, window: 1 });
  const reading = (async () => {
    for await (const _ of likelihood.run(failing(), options, context, new Map()));
  })();
  await t.rejects(reading, { message: 'the disk is gone' });
  t.ok(closed);
  closed = false;
  for await (const _ of likelihood.run(failing(), options, context, new Map())) break;
  t.ok(closed, 'whoever stops early closes the reader');
});

t.test('a damaged model stops the run at the row that shows it, of questions too', async (t) => {
  const damaged = join(model, 'damaged');
  await writeModelFolder(damaged, 'qwen3', { config: { num_hidden_layers: 2 } });
  await overwrite(damaged, 'model.layers.0.mlp.down_proj.weight', Number.NaN);
  const stops = (options: Record<string, unknown>, batch: Batch) =>
    transformed(likelihood, { ...options, model: damaged }, [batch], testContext(t)).then(
      () => 'no failure',
      (error: Error) => error.message.replaceAll(damaged, 'DIR').replace(/; fetch.*/, ''),
    );
  const what =
    `DIR: the model's numbers are not finite by layer 1: its weights are damaged, ` +
    `tensor "model.layers.0.mlp.down_proj.weight" of DIR/model.safetensors holds NaN in row 0`;
  const one = batchOf(recordBatch({ doc: [text, ['the sea']] }), 0);
  t.equal(await stops(cpu, one), `${placeText(placeOf(one, 0))}: ${what}`);
  const found = await stops({ ...ask, batch_tokens: 1 }, questionBatch());
  const places = questions.q.map((_, row) => `${placeText(placeOf(questionBatch(), row))}: ${what}`);
  t.ok(places.includes(found), found);
});
