import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { extract } from '../../transforms/extract.js';
import { readParquet } from '../../transforms/read-parquet.js';
import { tokenize } from '../../transforms/tokenize.js';
import { topK } from '../../transforms/top-k.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { overwrite } from '../fixtures/damage.js';
import { writeTestParquet } from '../fixtures/parquet.js';
import {
  names,
  openSource,
  parsed,
  readAll,
  type TestContext,
  testContext,
  transformed,
  values,
} from './context.js';

const model = t.testdir({});
await writeModelFolder(model, 'qwen3', { config: { num_hidden_layers: 2 } });

/** Texts of many lengths, in no order. */
const texts = Array.from(
  { length: 40 },
  (_, i) => `text ${i} ${'and more of the other '.repeat((i * 7) % 11)}`,
);

async function tokenized(t: Test, context: TestContext, docs = texts, options = {}): Promise<Batch[]> {
  const file = join(t.testdir({}), 'pool.parquet');
  await writeTestParquet(file, { doc: docs, n: docs.map((_, i) => i) });
  const input = await readAll(await openSource(readParquet, { path: file, batch_rows: 9 }, context));
  return await transformed(tokenize, { model, max_length: 50, ...options }, input, context);
}

const cpu = { model, device: 'cpu', threads: 1 };
const fused = (options: Record<string, unknown>, top: Record<string, unknown>) =>
  extract.fuse?.(parsed(extract, { ...cpu, ...options }), { name: 'top_k', options: parsed(topK, top) });

/** What extract and top_k, joined into one by the plan, make of batches. */
async function features(
  input: readonly Batch[],
  options: Record<string, unknown>,
  top: Record<string, unknown>,
  context: TestContext,
): Promise<Batch[]> {
  async function* batches() {
    yield* input;
  }
  const out: Batch[] = [];
  for await (const batch of extract.run(batches(), fused(options, top), context, new Map())) out.push(batch);
  return out;
}

t.test('windows and batches of the model change nothing, and rows keep their order', async (t) => {
  const context = testContext(t);
  const input = await tokenized(t, context);
  const neurons = ['fwd_up', 'att_k'];
  const expected = await features(input, { neurons, batch_tokens: 1, window: 1 }, { k: 5 }, context);
  t.same(
    values(expected, 'n'),
    texts.map((_, i) => i),
  );
  t.ok(
    expected.every((batch) => batch.rows.length === 1),
    'a window is cut from larger batches',
  );
  for (const options of [
    { batch_tokens: 64, window: 1 },
    { batch_tokens: 300, window: 20 },
    { batch_tokens: 2048, window: 1000 },
  ]) {
    // A context of its own: one that has seen the documents would not run the model.
    const own = testContext(t);
    const out = await features(input, { neurons, ...options }, { k: 5 }, own);
    t.same(values(out, 'n'), values(expected, 'n'));
    for (const type of neurons)
      t.same(
        values(out, `${type}_feature`),
        values(expected, `${type}_feature`),
        `${type}, ${JSON.stringify(options)}`,
      );
    t.equal(own.figures.get('tokens'), context.figures.get('tokens'));
  }
  t.equal(
    context.figures.get('tokens'),
    values(input, 'nag_input_ids').reduce<number>((sum, ids) => sum + (ids as number[]).length, 0),
  );
});

t.test('impacts do not depend on the other documents of a batch, to the bit', async (t) => {
  const context = testContext(t);
  const input = await tokenized(t, context, texts.slice(0, 12));
  const alone = await transformed(extract, { ...cpu, batch_tokens: 1 }, input, context);
  const together = await transformed(extract, { ...cpu, batch_tokens: 4096 }, input, context);
  t.same(values(together, 'fwd_up_impact'), values(alone, 'fwd_up_impact'));
});

t.test('fused with top_k or not: the same features, metadata and columns', async (t) => {
  const context = testContext(t);
  const input = await tokenized(t, context, texts.slice(0, 12));
  for (const [neurons, top] of [
    [['fwd_up', 'fwd_down', 'att_q', 'att_k', 'att_v', 'att_o'], { k: 4 }],
    [['fwd_up'], { ratio: 0.1 }],
    [['fwd_up', 'att_o'], { ratio: 1 }],
    [['fwd_down'], {}],
  ] as const) {
    const one = await features(input, { neurons }, top, context);
    const impacts = await transformed(extract, { ...cpu, neurons }, input, context);
    const two = await transformed(topK, top, impacts, context);
    t.same(names(two[0]!), names(one[0]!));
    for (const type of neurons) {
      t.same(
        values(two, `${type}_feature`),
        values(one, `${type}_feature`),
        `${type} ${JSON.stringify(top)}`,
      );
      const metadata = (batch: Batch) => [
        ...batch.columns.schema.fields.find(({ name }) => name === `${type}_feature`)!.metadata,
      ];
      t.same(metadata(two[0]!), metadata(one[0]!));
    }
  }
});

t.test('k is at most the width, a ratio at least one neuron', async (t) => {
  const context = testContext(t);
  const input = await tokenized(t, context, ['a text']);
  const length = async (top: Record<string, unknown>) =>
    (values(await features(input, {}, top, context), 'fwd_up_feature')[0] as number[]).length;
  t.equal(await length({ k: 80 }), 2 * 80);
  await t.rejects(length({ k: 81 }), {
    message: 'k: 81, but a layer has 80 neurons (fwd_up): set a smaller k, or a ratio',
  });
  t.equal(await length({ ratio: 0.0001 }), 2);
  t.equal(await length({ ratio: 0.1 }), 2 * 8);
  t.equal(await length({}), 2 * 20);
});

t.test('batches without rows, alone and between others', async (t) => {
  const context = testContext(t);
  const [first, second] = await tokenized(t, context, texts.slice(0, 18));
  const empty = { ...first!, columns: first!.columns.slice(0, 0), rows: new Uint32Array(0) };
  for (const window of [9, 1000]) {
    const out = await features([empty, first!, empty, second!], { window }, { k: 3 }, context);
    t.same(
      out.map((batch) => batch.rows.length),
      [0, 9, 0, 9],
    );
    t.same(names(out[0]!), ['doc', 'n', 'fwd_up_feature']);
  }
  const [only] = await features([empty], {}, { k: 3 }, context);
  t.same([only!.rows.length, names(only!)], [0, ['doc', 'n', 'fwd_up_feature']]);
  t.same(await features([], {}, { k: 3 }, context), []);
});

t.test('other stages than top_k are not taken over', async (t) => {
  t.equal(extract.fuse?.(parsed(extract, cpu), { name: 'score', options: {} }), undefined);
});

t.test('where the ids come from is checked', async (t) => {
  const context = testContext(t);
  const file = join(t.testdir({}), 'pool.parquet');
  await writeTestParquet(file, { doc: ['a'], nag_input_ids: [1] });
  const input = await readAll(await openSource(readParquet, { path: file }, context));
  await t.rejects(features(input, {}, { k: 3 }, context), {
    message: 'there are no token ids: put tokenize before extract',
  });
});

t.test('a failure or an end of the reader while the model works', async (t) => {
  const context = testContext(t);
  const input = await tokenized(t, context);
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
  const options = fused({ window: 1 }, { k: 3 });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const batch of extract.run(failing(), options, context, new Map()))
      seen.push(batch.rows.length);
  })();
  await t.rejects(reading, { message: 'the disk is gone' });
  t.ok(closed);
  closed = false;
  for await (const batch of extract.run(failing(), options, context, new Map())) {
    seen.push(batch.rows.length);
    break;
  }
  t.ok(closed, 'whoever stops early closes the reader');
});

t.test('a damaged model stops the run, and the document that shows it is named', async (t) => {
  const damaged = join(model, 'damaged');
  await writeModelFolder(damaged, 'qwen3', { config: { num_hidden_layers: 2 } });
  const [last] = values(await tokenized(t, testContext(t), ['over there']), 'nag_input_ids') as number[][];
  await overwrite(damaged, 'model.embed_tokens.weight', Number.NaN, last!.at(-1)!);
  const context = testContext(t, []);
  const input = await tokenized(t, context, ['a', 'the', 'a', 'the and the', 'we are over there', 'a']);
  const options = { ...cpu, model: damaged, batch_tokens: 64 };
  await t.rejects(transformed(extract, options, input, context), {
    name: 'NagError',
    message:
      /pool\.parquet: row 4: .*: the model's numbers are not finite by layer 0: .*holds NaN in row \d+/,
  });
});
