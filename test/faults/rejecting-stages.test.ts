import { writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { Field, Float64, Int32, List, Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { type Batch, withColumn } from '../../pipeline/batch.js';
import type { Combine, Transform } from '../../pipeline/component.js';
import {
  type FeatureInfo,
  featureData,
  featureMetadata,
  findFeatures,
  idsColumn,
} from '../../transforms/columns.js';
import { extract } from '../../transforms/extract.js';
import type { KeyIndex } from '../../transforms/join/key-index.js';
import { join } from '../../transforms/join.js';
import { likelihood } from '../../transforms/likelihood.js';
import { rank } from '../../transforms/rank.js';
import { readFeatures } from '../../transforms/read-features.js';
import { score } from '../../transforms/score.js';
import { tokenize } from '../../transforms/tokenize.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { combineContext, startCombine } from '../fixtures/combine.js';
import { batchOf, recordBatch } from '../fixtures/engine.js';
import { writeTestParquet } from '../fixtures/parquet.js';
import type { Told } from '../fixtures/rejecting.js';
import { openSource, readAll, testContext, transformed, values } from '../transforms/context.js';

const model = t.testdir({});
await writeModelFolder(model, 'qwen3', { config: { num_hidden_layers: 2 } });
const cpu = { model, device: 'cpu', threads: 1 };
const text = new Utf8();

/** What a stage makes of a batch where rows may be rejected, after it was seen to fail without. */
async function tolerated(
  t: Test,
  stage: Transform,
  options: Record<string, unknown>,
  batch: Batch,
  fails: string | RegExp,
  sides: Record<string, unknown> = {},
): Promise<{ out: Batch[]; told: Told[] }> {
  await t.rejects(transformed(stage, options, [batch], testContext(t), sides), { message: fails });
  const told: Told[] = [];
  const out = await transformed(stage, options, [batch], testContext(t, told), sides);
  const rows = out.reduce((sum, { rows: own }) => sum + own.length, 0);
  t.equal(rows + told.length, batch.rows.length, 'rows in = rows out + rejected');
  return { out, told };
}

const place = ({ row, column, reason }: Told) => [row, column, reason];

t.test('extract: no ids, and more than the model takes', async (t) => {
  const documents = batchOf(recordBatch({ doc: [text, ['one text', 'two texts', 'three', 'x']] }), 0);
  const [made] = await transformed(tokenize, { model, max_length: 9 }, [documents], testContext(t));
  const ids = new List(new Field('item', new Int32(), false));
  const cells = [[1, 2], [], Array.from({ length: 5000 }, () => 1), [3]];
  const { metadata } = made!.columns.schema.fields.find(({ name }) => name === idsColumn)!;
  const spoilt = recordBatch({ [idsColumn]: [ids, cells] }).data.children[0]!;
  const batch = withColumn(made!, idsColumn, spoilt, { metadata });
  const { out, told } = await tolerated(
    t,
    extract,
    cpu,
    batch,
    /^memory-0: row 1: has 0 tokens, expected 1 to/,
  );
  t.same(
    told.map(({ row }) => row),
    [1, 2],
  );
  t.same(values(out, 'doc'), ['one text', 'x']);
});

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 1,
  k: 1,
  width: 4,
  model: 'a',
  tokenizer: 'b',
  maxLength: 9,
};

function featured(indices: readonly number[], docids: readonly (string | null)[]): Batch {
  const batch = batchOf(recordBatch({ docid: [text, docids] }), 0);
  const data = featureData(Int32Array.from(indices), indices.length, info);
  return withColumn(batch, 'fwd_up_feature', data, { nullable: false, metadata: featureMetadata(info) });
}

t.test('score: a distance that is no number', async (t) => {
  const weights = Float64Array.from([0.5, Number.NaN, 0.25, 0.25]);
  const profile = { info, targets: [{ name: undefined, weights, documents: 1 }] };
  const sides = { profile: new Map([['profile', profile]]) };
  const batch = featured([0, 1, 2], ['a', 'b', 'c']);
  const message = 'a distance is not a number: the profile is damaged';
  const { out, told } = await tolerated(t, score, {}, batch, message, sides);
  t.same(told.map(place), [[1, undefined, message]]);
  t.same(values(out, 'docid'), ['a', 'c']);
});

t.test('likelihood: rows with nothing to measure', async (t) => {
  const batch = batchOf(recordBatch({ doc: [text, ['some text here', '', 'more of it', null]] }), 0);
  const { out, told } = await tolerated(t, likelihood, cpu, batch, /^memory-0: row 1: .*on_unusable: skip$/);
  t.same(
    told.map(({ row }) => row),
    [1, 3],
  );
  t.equal(values(out, 'loss').length, 2);
});

t.test('join: keys that are null, and rows that have nothing in the side input', async (t) => {
  const gather = join.gathers!['features'] as Combine;
  const inSide: Told[] = [];
  const build = async (rejected?: Told[]) => {
    const context = combineContext(t.testdir(), async function* () {}, rejected);
    const accumulator = await startCombine<KeyIndex>(gather, {}, context);
    t.teardown(() => accumulator.close?.());
    const partial = await accumulator.add(
      accumulator.create(),
      featured([1, 2, 3, 0], ['a', null, 'c', 'unused']),
    );
    return await accumulator.extract(partial);
  };
  await t.rejects(build(), {
    message: 'memory-0: row 1, column "docid": the docid is null; every document needs one',
  });
  const index = await build(inSide);
  t.same(
    inSide.map(({ row }) => row),
    [1],
  );
  const pool = (docids: readonly (string | null)[]) => batchOf(recordBatch({ docid: [text, docids] }), 1);
  const sides = { features: index };
  await t.rejects(transformed(join, {}, [pool(['a', 'b'])], testContext(t), sides), {
    message:
      /^stage: 1 rows have nothing in the side input \(the first: memory-1: row 1\), and 2 rows .* belong to no row/,
  });
  const told: Told[] = [];
  const context = testContext(t, told);
  const out = await transformed(join, {}, [pool(['a', null, 'b', 'c'])], context, sides);
  t.same(told.map(place), [
    [1, 'docid', 'the docid is null; every document needs one'],
    [2, undefined, 'has nothing in the side input'],
  ]);
  t.same(values(out, 'docid'), ['a', 'c']);
  t.equal(context.left.size, 0);
  t.match(context.notes, ['1 rows of the side input belong to no row']);
});

t.test('rank: a look ahead that could not read all is no bound', async (t) => {
  const batch = withColumn(
    batchOf(
      recordBatch({ docid: [text, ['a', 'b', 'c', 'd']], token_num: [new Int32(), [10, -1, 10, 10]] }),
      0,
    ),
    'nag_distance',
    recordBatch({ d: [new Float64(), [4, 3, 2, 1]] }).data.children[0]!,
  );
  const chosen = async (complete: boolean, told: Told[] | undefined) => {
    const orders: number[] = [];
    const context = combineContext(
      t.testdir(),
      async function* (wanted) {
        orders.push(...wanted);
        yield* [];
      },
      told,
    );
    async function* ahead() {
      yield complete ? batch : { ...batch, columns: batch.columns.slice(0, 1), rows: batch.rows.slice(0, 1) };
    }
    const scanBefore = () => ({ batches: ahead(), exact: false, complete: () => complete });
    const accumulator = await startCombine<AsyncIterable<Batch>>(
      rank,
      { fraction: 0.7 },
      { ...context, scanBefore },
    );
    t.teardown(() => accumulator.close?.());
    for await (const _ of await accumulator.extract(await accumulator.add(accumulator.create(), batch)));
    return orders;
  };
  await t.rejects(chosen(true, undefined), {
    message: /^memory-0: row 1, column "token_num": expected a number/,
  });
  for (const complete of [true, false]) {
    const told: Told[] = [];
    t.same(await chosen(complete, told), [2, 3], `complete: ${complete}`);
    t.same(
      told.map(({ row }) => row),
      [1],
      'told once, though the look ahead saw it too',
    );
  }
});

const cell = (...indices: unknown[]) => ({ layer_topk_value_index: indices });

t.test('read.features: rows without features, or docid, of JSON lines', async (t) => {
  const dir = t.testdir({});
  const rows = [
    { docid: 'a', fwd_up_feature: null },
    { docid: 'b', fwd_up_feature: cell(1, 2) },
    { docid: 'c', fwd_up_feature: cell(1) },
    { docid: null, fwd_up_feature: cell(1, 2) },
    { docid: 'd', fwd_up_feature: cell(1, -2) },
    { docid: 'e', fwd_up_feature: cell(3, 4) },
  ];
  await writeFile(joinPath(dir, 'a.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const options = { path: `${dir}/*`, layers: 1 };
  await t.rejects(openSource(readFeatures, options, testContext(t)), {
    message: /line 1, column "fwd_up_feature": expected features/,
  });
  const told: Told[] = [];
  const batches = await readAll(await openSource(readFeatures, options, testContext(t, told)));
  t.same(values(batches, 'docid'), ['b', 'e']);
  t.same(
    batches.flatMap(({ columns }) => [...findFeatures(columns, 'fwd_up').values]),
    [1, 2, 3, 4],
  );
  t.same(
    told.map(({ line, row }) => [line, row]),
    [
      [1, undefined],
      [3, undefined],
      [5, undefined],
      [undefined, 3],
    ],
  );
});

t.test('read.features: rows without features, or docid, of Parquet', async (t) => {
  const dir = t.testdir({});
  const list = new List(new Field('item', new Int32(), true));
  await writeTestParquet(joinPath(dir, 'a.parquet'), {
    docid: { type: text, values: ['a', 'b', null, 'c', 'd'] },
    fwd_up_feature: { type: list, values: [null, [1, 2], [1, 2], [7], [3, 4]] },
  });
  const options = { path: `${dir}/*`, layers: 1 };
  await t.rejects(openSource(readFeatures, options, testContext(t)), {
    message: /row 0, column "fwd_up_feature": expected features/,
  });
  const told: Told[] = [];
  const batches = await readAll(await openSource(readFeatures, options, testContext(t, told)));
  t.same(values(batches, 'docid'), ['b', 'd']);
  t.same(
    batches.flatMap(({ columns }) => [...findFeatures(columns, 'fwd_up').values]),
    [1, 2, 3, 4],
  );
  t.same(
    told.map(({ row, column }) => [row, column]),
    [
      [2, 'docid'],
      [0, 'fwd_up_feature'],
      [3, 'fwd_up_feature'],
    ],
  );
});
