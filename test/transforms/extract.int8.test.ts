import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { findFeatures } from '../../transforms/columns.js';
import { extract } from '../../transforms/extract.js';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { requireComparable } from '../../transforms/same-features.js';
import { tokenize } from '../../transforms/tokenize.js';
import { topK } from '../../transforms/top-k.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import {
  openSource,
  parsed,
  readAll,
  type TestContext,
  testContext,
  transformed,
  values,
} from './context.js';

const dir = t.testdir({});
const model = join(dir, 'model');
await writeModelFolder(model, 'qwen3', { dtype: 'BF16', config: { num_hidden_layers: 2 } });
const docs = Array.from({ length: 150 }, (_, i) => ({
  doc: `text ${i % 130} ${'and more of the other '.repeat((i * 7) % 11)}`,
}));
const file = join(dir, 'docs.jsonl');
writeFileSync(file, docs.map((doc) => `${JSON.stringify(doc)}\n`).join(''));

async function tokenized(context: TestContext, count = docs.length): Promise<Batch[]> {
  const source = await openSource(
    readJsonl,
    { path: file, columns: { text: 'doc' }, batch_rows: 40 },
    context,
  );
  const ids = await transformed(tokenize, { model, max_length: 50 }, await readAll(source), context);
  return ids.slice(0, Math.ceil(count / 40));
}

/** Weights are made once for all tests, and what was measured is known. */
function cached(t: Test): TestContext {
  return { ...testContext(t), cacheDir: join(dir, 'cache') };
}

async function features(
  t: Test,
  input: readonly Batch[],
  more: Record<string, unknown> = {},
  context: TestContext = cached(t),
) {
  const own = parsed(extract, { model, device: 'cpu', threads: 1, precision: 'int8', ...more });
  const options = extract.fuse?.(own, { name: 'top_k', options: parsed(topK, { k: 5 }) });
  async function* batches() {
    yield* input;
  }
  const out: Batch[] = [];
  for await (const batch of extract.run(batches(), options, context, new Map())) out.push(batch);
  return { out, rows: values(out, 'fwd_up_feature'), context };
}

t.test('it is told how far int8 agrees with float32, and features say what they are', async (t) => {
  const input = await tokenized(testContext(t));
  const int8 = await features(t, input);
  const float32 = await features(t, input, { precision: 'float32' });
  const [note, ...others] = int8.context.notes;
  t.strictSame(others, []);
  const told =
    /^int8 and float32 share (0\.\d{3}) of the top neurons of the first 64 documents, selections by them [01]\.\d\d \(Jaccard\)$/;
  t.match(note, told);
  t.strictSame(float32.context.notes, []);
  // By hand: of the first 64 documents, which neurons of each layer are in both.
  let shared = 0;
  for (const [row, one] of (int8.rows.slice(0, 64) as number[][]).entries())
    for (const layer of [0, 1]) {
      const other = (float32.rows[row] as number[]).slice(layer * 5, layer * 5 + 5);
      shared += one.slice(layer * 5, layer * 5 + 5).filter((index) => other.includes(index)).length;
    }
  t.equal(told.exec(note!)?.[1], (shared / (64 * 10)).toFixed(3));
  t.ok(shared < 640, 'they differ');
  t.equal(int8.context.provenance.get('nag.precision'), 'int8-1');
  t.notOk(float32.context.provenance.has('nag.precision'));
  const info = ({ out }: { out: Batch[] }) => findFeatures(out[0]!.columns, undefined).info;
  t.throws(() => requireComparable(info(float32), info(int8), 'the profile'), {
    message: /made differently \(precision: float32 and int8-1\)/,
  });
});

t.test(
  'the same features whatever the window, the batches, the threads, the first row and what was seen',
  async (t) => {
    const input = await tokenized(testContext(t));
    const expected = await features(t, input);
    for (const more of [{ window: 1, batch_tokens: 1 }, { window: 30, batch_tokens: 300 }, { threads: 2 }])
      t.strictSame((await features(t, input, more)).rows, expected.rows, JSON.stringify(more));
    for (const from of [1, 2, 3]) {
      const rest = await features(t, input.slice(from), { window: 7 });
      t.strictSame(rest.rows, expected.rows.slice(from * 40), `resumed from batch ${from}`);
    }
    const seen = cached(t);
    await features(t, [...input].reverse(), {}, seen);
    t.strictSame((await features(t, input, {}, seen)).rows, expected.rows, 'by a session that has seen them');
  },
);

t.test('less agreement than is asked for ends the run', async (t) => {
  const input = await tokenized(testContext(t), 40);
  await t.rejects(features(t, input, { min_agreement: 1 }), {
    name: 'NagError',
    message:
      /^stage: int8 and float32 share 0\.\d+ of the top neurons of the first 40 documents.*, expected at least 1: use precision: float32, or lower min_agreement$/,
  });
  await t.resolves(features(t, [], { min_agreement: 1 }), 'without documents there is nothing to compare');
});

t.test('what was measured of the same documents is remembered', async (t) => {
  const context = testContext(t);
  const input = await tokenized(context, 40);
  await features(t, input, {}, context);
  const known = join(context.cacheDir, 'int8', 'agreement.json');
  t.strictSame(readdirSync(join(context.cacheDir, 'int8')).length, 2);
  const [[key]] = JSON.parse(readFileSync(known, 'utf8'));
  writeFileSync(known, JSON.stringify([[key, { overlap: 0.875, jaccard: 0.25 }]]));
  const again = { ...testContext(t), cacheDir: context.cacheDir };
  await features(t, input, {}, again);
  t.match(again.notes, [/share 0\.875 .* 0\.25 \(Jaccard\)/]);
  writeFileSync(known, '[[');
  await features(t, input, { neurons: ['att_v'] }, again).catch(() => undefined);
  t.match(again.notes.at(-1), /share [01]\.\d+/, 'a damaged file says nothing');
});

t.test('without top_k: impacts, compared by their top neurons', async (t) => {
  const context = testContext(t);
  const input = await tokenized(context, 40);
  const impacts = await transformed(
    extract,
    { model, device: 'cpu', threads: 1, precision: 'int8', neurons: ['fwd_up', 'att_o'] },
    input,
    context,
  );
  t.match(context.notes, [/^int8 and float32 share 0\.9\d+ of the top neurons of the first 40/]);
  const top = await transformed(topK, { k: 5 }, impacts, context);
  t.strictSame(values(top, 'fwd_up_feature'), (await features(t, input)).rows);
  t.equal(findFeatures(top[0]!.columns, 'att_o').info.precision, 'int8-1');
});

t.test('on the CPU only', async (t) => {
  t.throws(
    () => parsed(extract, { model, device: 'cuda', precision: 'int8' }),
    /precision int8 is for the CPU: set device: cpu/,
  );
  t.doesNotThrow(() => parsed(extract, { model, device: 'auto', precision: 'int8' }));
  t.throws(() => parsed(extract, { model, precision: 'int4' }));
});
