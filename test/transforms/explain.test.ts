import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { type Batch, withColumn } from '../../pipeline/batch.js';
import { writeJsonl } from '../../sinks/write-jsonl.js';
import { writeParquetSink } from '../../sinks/write-parquet.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../transforms/columns.js';
import { explain } from '../../transforms/explain.js';
import type { Profile } from '../../transforms/profile.js';
import { profile } from '../../transforms/profile.js';
import { readParquet } from '../../transforms/read-parquet.js';
import { score } from '../../transforms/score.js';
import {
  batchOf,
  cells,
  collectSink,
  mapStage,
  memorySource,
  recordBatch,
  runStages,
  sinkLog,
} from '../fixtures/engine.js';
import { names, testContext, transformed, values } from './context.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 2,
  k: 2,
  width: 3,
  model: 'a',
  tokenizer: 'b',
  maxLength: 120,
};
const weights = new Float64Array([0.5, 0.5, 0, 0, 0.25, 0.75]);
const other = new Float64Array([0, 0, 1, 1, 0, 0]);

/** One batch a row of targets; each row has the features [0, 2, 1, 2]. */
function pool(targets: readonly (string | null)[], own = info): Batch[] {
  return targets.map((target, i) => {
    const batch = batchOf(recordBatch({ target: [new Utf8(), [target]] }), 0, i);
    return withColumn(batch, 'fwd_up_feature', featureData(Int32Array.from([0, 2, 1, 2]), 1, own), {
      metadata: featureMetadata(own),
    });
  });
}

const profileOf = (targets: Record<string, Float64Array>): Profile => ({
  info,
  targets: Object.entries(targets).map(([name, own]) => ({ name, weights: own, documents: 1 })),
});
const sides = (main: Profile) => ({ profile: new Map([['p', main]]) });

t.test('reasons and layers; features go unless they are kept', async (t) => {
  const only = sides(profileOf({ a: weights }));
  const found = await transformed(explain, { top: 2 }, pool(['x']), testContext(t), only);
  t.strictSame(names(found[0]!), ['target', 'nag_reasons', 'nag_layers']);
  t.strictSame(values(found, 'nag_reasons'), [
    [
      { layer: 1, neuron: 2, weight: 0.375 },
      { layer: 0, neuron: 0, weight: 0.25 },
    ],
  ]);
  t.strictSame(values(found, 'nag_layers'), [[0.25, 0.5]]);
  const kept = await transformed(explain, { keep_features: true }, pool(['x']), testContext(t), only);
  t.ok(names(kept[0]!).includes('fwd_up_feature'));
});

t.test('with several targets the row says which', async (t) => {
  const several = sides(profileOf({ a: weights, b: other }));
  const found = await transformed(explain, {}, pool(['a', 'b']), testContext(t), several);
  t.strictSame(values(found, 'nag_layers'), [
    [0.25, 0.5],
    [0.5, 0],
  ]);
  for (const wrong of ['c', null])
    await t.rejects(transformed(explain, {}, pool(['a', wrong]), testContext(t), several), {
      message: new RegExp(
        `column "target": expected one of the profile's targets \\(a, b\\), found .?${wrong}`,
      ),
    });
  const without = pool(['a']).map((batch) => ({
    ...batch,
    columns: batch.columns.select(['fwd_up_feature']),
  }));
  await t.rejects(transformed(explain, {}, without, testContext(t), several), {
    message: /has several targets \(a, b\), and there is no text column "target"/,
  });
});

t.test('a background puts what is usual last', async (t) => {
  const background = profileOf({ pool: new Float64Array([0.1, 0.8, 0.1, 0, 0, 1]) });
  const given = { ...sides(profileOf({ a: weights })), background };
  const found = await transformed(explain, {}, pool(['x']), testContext(t), given);
  t.strictSame(
    (values(found, 'nag_reasons') as { layer: number; neuron: number }[][])[0]!.map((one) => one.neuron),
    [0, 1, 2],
  );
  const two = { ...given, background: profileOf({ a: weights, b: other }) };
  await t.rejects(transformed(explain, {}, pool(['x']), testContext(t), two), {
    message: /the background has several targets \(a, b\)/,
  });
});

t.test('no rows; features of another model', async (t) => {
  const only = sides(profileOf({ a: weights }));
  const none = batchOf(recordBatch({ n: [new Int32(), []] }), 0);
  const empty = withColumn(none, 'fwd_up_feature', featureData(new Int32Array(0), 0, info), {
    metadata: featureMetadata(info),
  });
  const [found] = await transformed(explain, {}, [empty], testContext(t), only);
  t.strictSame(names(found!), ['n', 'nag_reasons', 'nag_layers']);
  await t.rejects(transformed(explain, {}, pool(['x'], { ...info, model: 'c' }), testContext(t), only), {
    message: /they were made differently \(model weights: a and c\)/,
  });
});

t.test('after score, and into files', async (t) => {
  const dir = t.testdir({});
  const log = sinkLog();
  const rows = (count: number) =>
    memorySource([[recordBatch({ n: [new Int32(), Array.from({ length: count }, (_, i) => i)] })]]);
  const featured = mapStage((batch) => {
    const each = Array.from({ length: batch.rows.length }, (_, i) => [i % 3, (i + 1) % 3, 1, i % 2 ? 0 : 2]);
    const data = featureData(Int32Array.from(each.flat()), batch.rows.length, info);
    return withColumn(batch, 'fwd_up_feature', data, { metadata: featureMetadata(info) });
  });
  await runStages(
    [
      ['target', rows(3)],
      ['target_features', featured],
      ['profile', profile],
      ['pool', rows(7)],
      ['features', featured],
      ['score', score, { keep_features: true }, ['features'], { profile: 'profile' }],
      ['explain', explain, { top: 3 }, ['score'], { profile: 'profile' }],
      ['out', collectSink(log), {}, ['explain']],
      ['jsonl', writeJsonl, { path: join(dir, 'a.jsonl') }, ['explain']],
      ['parquet', writeParquetSink, { path: join(dir, 'a.parquet') }, ['explain']],
    ],
    { tempDir: tmpdir() },
  );
  const reasons = cells(log.batches, 'nag_reasons');
  const layers = cells(log.batches, 'nag_layers') as number[][];
  for (const [row, distance] of (cells(log.batches, 'nag_distance') as number[]).entries())
    t.ok(Math.abs(layers[row]![0]! + layers[row]![1]! - (1 - distance)) < 1e-15, `row ${row}`);
  const lines = (await readFile(join(dir, 'a.jsonl'), 'utf8')).trim().split('\n');
  t.strictSame(
    lines.map((line) => (JSON.parse(line) as { nag_reasons: unknown }).nag_reasons),
    reasons,
  );
  const again = sinkLog();
  await runStages(
    [
      ['read', readParquet, { path: join(dir, 'a.parquet') }],
      ['out', collectSink(again)],
    ],
    { tempDir: tmpdir() },
  );
  t.strictSame(cells(again.batches, 'nag_reasons'), reasons);
  t.strictSame(cells(again.batches, 'nag_layers'), layers);
});
