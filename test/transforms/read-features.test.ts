import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Field, FixedSizeList, Int64, List, makeData, Struct, Uint16, Utf8, Vector } from 'apache-arrow';
import t, { type Test } from 'tap';
import { writeParquet } from '../../pipeline/arrow/parquet-writer.js';
import type { Batch } from '../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureField, findFeatures } from '../../transforms/columns.js';
import { readFeatures } from '../../transforms/read-features.js';
import { recordBatch } from '../fixtures/engine.js';
import { writeTestParquet } from '../fixtures/parquet.js';
import { names, openSource, readAll, testContext, values } from './context.js';
import { withField } from './features/with-field.js';

const rows = Array.from({ length: 20 }, (_, row) => ({
  docid: `d${row}`,
  lang: row % 2 === 0 ? 'en' : 'de',
  token_num: row,
  fwd_up_feature: { layer_topk_value_index: [row, 1, 2, 3, 400, 65535 - row] },
  att_q_feature: { layer_topk_value_index: [row, 7] },
}));
const indices = rows.flatMap(({ fwd_up_feature }) => fwd_up_feature.layer_topk_value_index);
const lines = (some: readonly object[]) => some.map((row) => `${JSON.stringify(row)}\n`).join('');
const unknownInfo: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 2,
  k: 3,
  width: 65536,
  model: 'unknown',
  tokenizer: 'unknown',
  maxLength: 0,
};
const madeInfo: FeatureInfo = { ...unknownInfo, model: 'm', tokenizer: 't', maxLength: 120 };

async function open(dir: string, t: Test, options: Record<string, unknown> = {}) {
  return await openSource(readFeatures, { path: `${dir}/*`, layers: 2, ...options }, testContext(t));
}

const featuresOf = (batches: readonly Batch[], type: 'fwd_up' | 'att_q' = 'fwd_up') =>
  batches.flatMap(({ columns }) => [...findFeatures(columns, type).values]);

/** Parquet as `write.parquet` makes it. */
async function writeMade(path: string, info: FeatureInfo): Promise<void> {
  const data = featureData(Int32Array.from(indices), rows.length, info);
  const docids = recordBatch({ docid: [new Utf8(), rows.map(({ docid }) => docid)] });
  const batch = withField(docids, featureField(info), data);
  async function* batches() {
    yield batch;
  }
  await writeParquet(path, batch.schema, batches(), { compression: 'zstd', rowGroupRows: 7, metadata: {} });
}

t.test('JSON lines, plain and compressed: as extracted, and all other columns', async (t) => {
  const dir = t.testdir({ 'b.jsonl': lines(rows.slice(8)) });
  await writeFile(join(dir, 'a.jsonl.gz'), gzipSync(lines(rows.slice(0, 8))));
  const source = await open(dir, t, { batch_rows: 5 });
  const batches = await readAll(source);
  t.same(featuresOf(batches), indices);
  t.same(findFeatures(batches[0]!.columns, 'fwd_up').info, unknownInfo);
  t.equal(findFeatures(batches[0]!.columns, 'att_q').info.k, 1);
  t.same(names(batches[0]!), ['docid', 'lang', 'token_num', 'fwd_up_feature', 'att_q_feature']);
  t.same(
    source.schema.fields.map((field) => field.name),
    names(batches[0]!),
  );
  t.same([...batches[0]!.computed], [], 'they can be read again');
});

t.test('plain lists are features too', async (t) => {
  const plain = rows.map((row) => ({ ...row, fwd_up_feature: row.fwd_up_feature.layer_topk_value_index }));
  const dir = t.testdir({ 'a.jsonl': lines(plain) });
  t.same(featuresOf(await readAll(await open(dir, t))), indices);
});

t.test('Parquet of every form of lists', async (t) => {
  const list = new List(new Field('item', new Int64(), true));
  const lists = rows.map(({ fwd_up_feature }) => fwd_up_feature.layer_topk_value_index.map(BigInt));
  const child = makeData({ type: new Uint16(), data: Uint16Array.from(indices), nullCount: 0 });
  const fixed = new FixedSizeList(6, new Field('item', new Uint16(), false));
  const forms = {
    list: { type: list, values: lists },
    struct: {
      type: new Struct([new Field('layer_topk_value_index', list, true)]),
      values: lists.map((layer_topk_value_index) => ({ layer_topk_value_index })),
    },
    fixed: new Vector([makeData({ type: fixed, length: rows.length, nullCount: 0, child })]),
  };
  for (const [form, column] of Object.entries(forms)) {
    const dir = t.testdir({});
    const columns = { docid: rows.map(({ docid }) => docid), fwd_up_feature: column };
    await writeTestParquet(join(dir, 'a.parquet'), columns, { rowGroupRows: 6 });
    const source = await open(dir, t);
    const batches = await readAll(source);
    t.same(featuresOf(batches), indices, form);
    t.same(findFeatures(batches[0]!.columns, 'fwd_up').info, unknownInfo);
    t.match(String(source.schema.fields[1]?.type), 'FixedSizeList[6]<Uint16>');
    const again = await readAll(source, { columns: 'all' }, { only: Uint32Array.from([2, 13]) });
    t.same(featuresOf(again), [...indices.slice(12, 18), ...indices.slice(78, 84)]);
  }
});

t.test('Parquet of this program says what it holds', async (t) => {
  const info = { ...madeInfo, subset: { kept: [0, 4], of: 6 } };
  const dir = t.testdir({});
  await writeMade(join(dir, 'a.parquet'), info);
  const batches = await readAll(await open(dir, t, { layers: undefined }));
  t.same(featuresOf(batches), indices);
  t.same(findFeatures(batches[0]!.columns, 'fwd_up').info, info);
  await t.rejects(open(dir, t, { layers: 3 }), {
    message: /a\.parquet: column "fwd_up_feature": is of layers: 2, and the options say 3; leave layers out/,
  });
  await writeMade(join(dir, 'b.parquet'), { ...info, model: 'n', maxLength: 128 });
  await t.rejects(open(dir, t), {
    message:
      /b\.parquet: column "fwd_up_feature": its features were made differently than those of .*a\.parquet: model weights: m and n; max_length: 120 and 128; they cannot be read together$/,
  });
});

t.test('what nobody knows, and what the user vouches for', async (t) => {
  const dir = t.testdir({ 'a.jsonl': lines(rows) });
  const [batch] = await readAll(await open(dir, t, { trust: true, width: 70000 }));
  const { info, values } = findFeatures(batch!.columns, 'fwd_up');
  t.same(info, { ...unknownInfo, width: 70000, model: 'trusted', tokenizer: 'trusted' });
  t.ok(values instanceof Int32Array);
  const made = t.testdir({});
  await writeMade(join(made, 'a.parquet'), { ...info, width: 65536 });
  const [again] = await readAll(await open(made, t));
  t.same(findFeatures(again!.columns, 'fwd_up').info, unknownInfo, 'the word of one run is not handed on');
});

t.test('only the types that are wanted, only what is needed, only where', async (t) => {
  const partly = [...rows, { ...rows[0]!, att_q_feature: null }];
  const dir = t.testdir({ 'a.jsonl': lines(partly) });
  const source = await open(dir, t, { neurons: ['fwd_up'], where: { lang: 'en' } });
  const [all] = await readAll(source);
  t.same(names(all!), ['docid', 'lang', 'token_num', 'fwd_up_feature']);
  t.same(values([all!], 'docid').slice(0, 2), ['d0', 'd2']);
  const [tokens] = await readAll(source, { roles: ['tokens'] });
  t.same(names(tokens!), ['lang', 'token_num']);
});

t.test('the docid may be called otherwise, or be missing from all rows', async (t) => {
  const dir = t.testdir({ 'a.jsonl': lines(rows.map(({ docid: id, ...row }) => ({ id, ...row }))) });
  const [batch] = await readAll(await open(dir, t, { columns: { docid: 'id' } }));
  t.equal(batch!.roles.docid, 'id');
  t.equal((await readAll(await open(dir, t)))[0]!.rows.length, rows.length);
});

t.test('no rows are fine where the file says what it holds; leaving early closes it', async (t) => {
  const dir = t.testdir({});
  await writeMade(join(dir, 'a.parquet'), madeInfo);
  const source = await open(dir, t, { where: { docid: 'none' } });
  const batches = await readAll(source);
  t.same(featuresOf(batches), []);
  const whole = await open(dir, t);
  for await (const batch of whole.read(whole.bundles[0]!, { columns: 'all' })) {
    t.equal(batch.rows.length, 7);
    break;
  }
});
