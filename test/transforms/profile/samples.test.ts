import t from 'tap';
import { inputOrder, withColumn } from '../../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../../transforms/columns.js';
import { addFeatures, createCounts, profileWeights } from '../../../transforms/nag/profile.js';
import { type Profile, profile } from '../../../transforms/profile.js';
import { seededFraction } from '../../../transforms/sampling.js';
import { combineContext, combineSplit, startCombine } from '../../fixtures/combine.js';
import { batchOf, emptyBatches } from '../../fixtures/engine.js';
import { randomIntegers } from '../nag/random.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 3,
  k: 2,
  width: 20,
  model: 'a',
  tokenizer: 'b',
  maxLength: 120,
};
const random = randomIntegers(3);
const documents = Array.from({ length: 60 }, () => Int32Array.from({ length: 6 }, () => random(20)));

/** The documents in batches of two bundles. */
const batches = [0, 7, 20, 30, 31, 45].map((start, i, starts) => {
  const own = documents.slice(start, starts[i + 1] ?? documents.length);
  const ordinal = start < 30 ? 2 : 5;
  const [empty] = emptyBatches([own.length]);
  const batch = batchOf(empty!.columns, ordinal, start < 30 ? start : start - 30);
  const values = Int32Array.from(own.flatMap((features) => [...features]));
  return withColumn(batch, 'fwd_up_feature', featureData(values, own.length, info), {
    metadata: featureMetadata(info),
  });
});

async function profiled(options: Record<string, unknown>, parts: number, seed: number): Promise<Profile> {
  const context = combineContext(t.testdirName, () => {
    throw new Error('profile reads nothing again');
  });
  const accumulator = await startCombine<Profile>(profile, options, context);
  return await combineSplit(accumulator, batches, parts, randomIntegers(seed));
}

/** The same by a plain sort of all documents. */
function expectedWeights(size: number, seed: number): Float64Array {
  const orders = batches.flatMap((batch) => [...batch.rows.keys()].map((row) => inputOrder(batch, row)));
  const keyed = documents.map((features, i) => ({
    features,
    key: seededFraction(seed, String(orders[i])),
  }));
  keyed.sort((a, b) => a.key - b.key);
  const counts = createCounts(info.layers, info.width);
  for (const { features } of keyed.slice(0, size)) addFeatures(counts, features, 1, info.k);
  return profileWeights(counts, 1);
}

t.test('targets named by their size, and all of it, however the input is split', async (t) => {
  for (const [parts, seed] of [
    [1, 1],
    [3, 1],
    [6, 1],
    [4, 8],
  ] as const) {
    const { targets } = await profiled({ samples: [10, 1, 60], seed }, parts, parts);
    t.strictSame(
      targets.map(({ name, documents: count }) => [name, count]),
      [
        ['10', 10],
        ['1', 1],
        ['60', 60],
        ['all', 60],
      ],
    );
    for (const [i, size] of [10, 1, 60, 60].entries())
      t.strictSame(targets[i]!.weights, expectedWeights(size, seed), `${size} of seed ${seed}`);
  }
});

t.test('another seed draws others', async (t) => {
  const [a, b] = await Promise.all([1, 2].map((seed) => profiled({ samples: [10], seed }, 1, 1)));
  t.notSame(a!.targets[0]!.weights, b!.targets[0]!.weights);
  t.strictSame(a!.targets[1]!.weights, b!.targets[1]!.weights);
});

t.test('more than there are, and with by', async (t) => {
  await t.rejects(profiled({ samples: [5, 61] }, 2, 1), {
    message: 'samples: 61, but the target has 60 documents; leave it out',
  });
  t.notOk(profile.options.safeParse({ samples: [5], by: 'dataset' }).success);
  t.notOk(profile.options.safeParse({ samples: [] }).success);
});
