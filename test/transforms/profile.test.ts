import t from 'tap';
import { type Batch, keepRows, withColumn } from '../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../transforms/columns.js';
import { type Profile, profile } from '../../transforms/profile.js';
import { combineContext, combineSplit, startCombine } from '../fixtures/combine.js';
import { emptyBatches } from '../fixtures/engine.js';
import { randomIntegers } from './nag/random.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 3,
  k: 4,
  width: 50,
  model: 'a',
  tokenizer: 'b',
  maxLength: 120,
};

/** Batches of features, `rows[i]` documents in the i-th. */
function features(rows: readonly number[], seed: number, own = info): Batch[] {
  const random = randomIntegers(seed);
  return emptyBatches(rows).map((batch, i) => {
    const indices = Int32Array.from({ length: rows[i]! * own.layers * own.k }, () => random(own.width));
    const data = featureData(indices, rows[i]!, own);
    return withColumn(batch, `${own.neurons}_feature`, data, { metadata: featureMetadata(own) });
  });
}

const nothing = async function* () {};

t.test('merging the partials of any split equals one pass', async (t) => {
  const random = randomIntegers(42);
  for (const power of [1, 0.5, 2]) {
    for (let trial = 0; trial < 30; trial++) {
      const batches = features(
        Array.from({ length: 1 + random(12) }, () => random(9)),
        1 + trial,
      );
      batches.push(...features([1], 77));
      const start = () => startCombine<Profile>(profile, { power }, combineContext('', nothing));
      const whole = await combineSplit(await start(), batches, 1, random);
      const split = await combineSplit(await start(), batches, 2 + random(5), random);
      t.strictSame(split, whole);
    }
  }
});

t.test('counts by hand', async (t) => {
  const [batch] = features([2], 5, { ...info, layers: 1, k: 2, width: 4 });
  const made = withColumn(
    batch!,
    'fwd_up_feature',
    featureData(Int32Array.of(0, 1, 1, 3), 2, { ...info, layers: 1, k: 2 }),
    {
      metadata: featureMetadata({ ...info, layers: 1, k: 2, width: 4 }),
    },
  );
  const context = combineContext('', nothing);
  const { targets } = await combineSplit(
    await startCombine<Profile>(profile, { power: 2 }, context),
    [made],
    1,
    () => 0,
  );
  t.strictSame(
    targets.map(({ weights, documents }) => ({ weights: [...weights], documents })),
    [{ weights: [1 / 6, 4 / 6, 0, 1 / 6], documents: 2 }],
  );
  t.equal(context.figures.get('documents'), 2);
});

t.test('a target without documents is an error, batches without rows or not', async (t) => {
  for (const batches of [
    [],
    features([0, 0], 1),
    features([3], 1).map((batch) => keepRows(batch, new Uint32Array(0))),
  ]) {
    const accumulator = await startCombine<Profile>(profile, {}, combineContext('', nothing));
    await t.rejects(
      combineSplit(accumulator, batches, 2, () => 0),
      { message: /combine: the target is empty/ },
    );
  }
});

t.test('features that were made differently are not mixed, within a part or between them', async (t) => {
  const other = features([2], 3, { ...info, model: 'another' });
  for (const parts of [1, 2]) {
    const accumulator = await startCombine<Profile>(profile, {}, combineContext('', nothing));
    let turn = 0;
    const running = combineSplit(accumulator, [...features([2], 3), ...other], parts, (n) => turn++ % n);
    await t.rejects(running, {
      message: /cannot be compared with the target, .*model weights: (a and another|another and a)/,
    });
  }
});
