import { tmpdir } from 'node:os';
import { Float64, Int32, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { type Batch, withColumn } from '../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../transforms/columns.js';
import { profile } from '../../transforms/profile.js';
import { score } from '../../transforms/score.js';
import {
  cells,
  collectSink,
  mapStage,
  memorySource,
  recordBatch,
  runStages,
  sinkLog,
} from '../fixtures/engine.js';
import { randomIntegers } from './nag/random.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 5,
  k: 3,
  width: 40,
  model: 'a',
  tokenizer: 'b',
  maxLength: 120,
};

/** The features of document n, as a stage that stands for tokenize, extract and top_k. */
function indicesOf(n: number): number[] {
  const random = randomIntegers(1000 + n);
  return Array.from({ length: info.layers }, () => {
    const layer = new Set<number>();
    while (layer.size < info.k) layer.add(random(info.width));
    return [...layer];
  }).flat();
}

function featured(own = info) {
  return mapStage((batch: Batch) => {
    const values = Int32Array.from((cells([batch], 'n') as number[]).flatMap(indicesOf));
    return withColumn(batch, 'fwd_up_feature', featureData(values, batch.rows.length, own), {
      metadata: featureMetadata(own),
    });
  });
}

const rows = (...batches: number[][]) =>
  memorySource([
    batches.map((own) => recordBatch({ n: [new Int32(), own], nag_distance: [new Int32(), own] })),
  ]);

async function scored(pool: number[][], keep = false, own = info) {
  const log = sinkLog();
  await runStages(
    [
      ['target', rows([0, 1, 2])],
      ['target_features', featured()],
      ['profile', profile],
      ['pool', rows(...pool)],
      ['features', featured(own)],
      ['score', score, { keep_features: keep }, ['features'], { profile: 'profile' }],
      ['out', collectSink(log)],
    ],
    { tempDir: tmpdir() },
  );
  return log.batches;
}

/** 1 − the mean over layers of the shares that the document's neurons have in the target's (NAG.md §3). */
function expectedDistance(n: number): number {
  const target = [0, 1, 2].map(indicesOf);
  let sum = 0;
  for (let layer = 0; layer < info.layers; layer++) {
    const layerOf = (all: number[]) => all.slice(layer * info.k, (layer + 1) * info.k);
    const active = target.flatMap(layerOf);
    for (const neuron of layerOf(indicesOf(n)))
      sum += active.filter((own) => own === neuron).length / active.length;
  }
  return 1 - sum / info.layers;
}

t.test('adds the distance, whatever the batches, in place of a column of that name', async (t) => {
  const documents = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const whole = await scored([documents]);
  t.strictSame(cells(await scored(documents.map((n) => [n])), 'nag_distance'), cells(whole, 'nag_distance'));
  for (const [n, distance] of (cells(whole, 'nag_distance') as number[]).entries())
    t.ok(Math.abs(distance - expectedDistance(n)) < 1e-15, `document ${n}`);
  t.strictSame(
    whole[0]?.columns.schema.fields.map((field) => `${field.name} ${String(field.type)}`),
    ['n Int32', 'nag_distance Float64'],
  );
});

/** Two targets, of the documents 0 to 2 and 3 to 5, as stages with these ids; the pool's features made by `own`. */
async function scoredForTwo(ids: readonly [string, string], pool = rows([7, 8], [9]), other = info) {
  const log = sinkLog();
  await runStages(
    [
      ['first', rows([0, 1, 2])],
      ['first_features', featured()],
      [ids[0], profile],
      ['second', rows([3, 4, 5])],
      ['second_features', featured(other)],
      [ids[1], profile],
      ['pool', pool],
      ['features', featured()],
      ['score', score, {}, ['features'], { profile: ids }],
      ['out', collectSink(log)],
    ],
    { tempDir: tmpdir() },
  );
  return log.batches;
}

t.test(
  'several profiles: a column each, as if scored alone, in the order in which they are named',
  async (t) => {
    const alone = cells(await scored([[7, 8, 9]]), 'nag_distance');
    for (const ids of [
      ['b', 'a'],
      ['a', 'b c/é'],
    ] as const) {
      const batches = await scoredForTwo(ids);
      const fields = batches[0]!.columns.schema.fields;
      t.strictSame(
        fields.map(({ name, metadata }) => [name, metadata.get('nag.target')]),
        [
          ['n', undefined],
          ['nag_distance', undefined],
          [`nag_distance_${ids[0]}`, ids[0]],
          [`nag_distance_${ids[1]}`, ids[1]],
        ],
      );
      t.strictSame(cells(batches, `nag_distance_${ids[0]}`), alone);
      t.not(cells(batches, `nag_distance_${ids[1]}`)[0], alone[0]);
    }
  },
);

t.test('columns of an earlier scoring do not change the order of the targets', async (t) => {
  const pool = memorySource([
    [recordBatch({ n: [new Int32(), [7]], nag_distance_b: [new Int32(), [1]], x: [new Int32(), [1]] })],
  ]);
  const [batch] = await scoredForTwo(['a', 'b'], pool);
  t.strictSame(
    batch!.columns.schema.fields.map(({ name }) => name),
    ['n', 'x', 'nag_distance_a', 'nag_distance_b'],
  );
});

t.test('profiles that were made differently are not taken together', async (t) => {
  await t.rejects(scoredForTwo(['a', 'b'], rows([7]), { ...info, model: 'another' }), {
    message: /cannot be compared with each other as targets, .*model weights/,
  });
});

t.test('keeps the features on request', async (t) => {
  const [batch] = await scored([[4]], true);
  t.strictSame(cells([batch!], 'fwd_up_feature'), [indicesOf(4)]);
});

t.test('an empty pool gets the column too', async (t) => {
  const [batch] = await scored([[]]);
  t.equal(batch?.rows.length, 0);
  t.ok(batch?.columns.getChild('nag_distance')?.type instanceof Float64);
});

t.test('refuses features that were made differently', async (t) => {
  await t.rejects(scored([[1]], false, { ...info, tokenizer: 'other' }), {
    message: /cannot be compared with the target's profile, .*tokenizer: b and other/,
  });
  const nothing = mapStage((batch) => withColumn(batch, 'x', vectorFromArray([1], new Int32()).data[0]!));
  const running = runStages(
    [
      ['target', rows([0])],
      ['target_features', featured()],
      ['profile', profile],
      ['pool', rows([1])],
      ['nothing', nothing],
      ['score', score, {}, ['nothing'], { profile: 'profile' }],
      ['out', collectSink()],
    ],
    { tempDir: tmpdir() },
  );
  await t.rejects(running, { message: /there is no feature column of fwd_up: put extract and top_k before/ });
});
