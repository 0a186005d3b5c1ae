import { Int32, Utf8, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { type Batch, keepRows, withColumn } from '../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../transforms/columns.js';
import { type Profile, profile } from '../../transforms/profile.js';
import { allSame } from '../fixtures/all-same.js';
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
  await allSame(t, 'profiles', async (same) => {
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
        same(split, whole, `power ${power}, trial ${trial}`);
      }
    }
  });
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

/** A column that says of which target each row is: the row's own number, in its bundle, chooses. */
function grouped(batches: readonly Batch[], names: readonly (string | null)[]): Batch[] {
  return batches.map((batch, i) => {
    const own = Array.from(batch.rows, (row) => names[(row + i) % names.length]!);
    const data = vectorFromArray(['', ...own], new Utf8()).slice(1).data[0]!;
    return withColumn(batch, 'group', data);
  });
}

t.test('by a column: one profile a value, equal to that of its rows alone, in any split', async (t) => {
  const random = randomIntegers(8);
  // By UTF-16 the last two would change places.
  const names = ['b', '\u{1F600}', '\uff21', null, 'a'];
  await allSame(t, 'profiles', async (same) => {
    for (const targets of [undefined, ['b', 'a']]) {
      for (let trial = 0; trial < 15; trial++) {
        const batches = grouped(features([5, 1, 0, 7, random(9)], 1 + trial), names);
        const settings = { by: 'group', power: 0.5, ...(targets ? { targets } : {}) };
        const context = combineContext('', nothing);
        const found = await combineSplit(
          await startCombine<Profile>(profile, settings, context),
          batches,
          1 + random(5),
          random,
        );
        const name = `${targets ?? 'all targets'}, trial ${trial}`;
        same(
          found.targets.map(({ name }) => name),
          targets ?? ['a', 'b', '\uff21', '\u{1F600}'],
          `${name}: their names`,
        );
        for (const target of found.targets) {
          const own = batches.map((batch) => {
            const values = batch.columns.getChild('group')!;
            const rows = Uint32Array.from(batch.rows.keys()).filter((row) => values.get(row) === target.name);
            return keepRows(batch, rows);
          });
          const start = startCombine<Profile>(profile, { power: 0.5 }, combineContext('', nothing));
          const alone = await combineSplit(await start, own, 1, random);
          same({ ...target, name: undefined }, alone.targets[0], `${name}: ${target.name}`);
        }
        const figures = [...context.figures].reduce((sum, [, amount]) => sum + amount, 0);
        same(
          figures,
          batches.reduce((sum, { rows }) => sum + rows.length, 0),
          `${name}: every row is counted or left out`,
        );
        const [without, others] = ['without group', 'of other targets'].map(
          (what) => !!context.figures.get(`left out: ${what}`),
        );
        same([without, others], [true, targets !== undefined], `${name}: what is left out`);
      }
    }
  });
});

t.test('by a column that does not name targets', async (t) => {
  const batches = features([3], 5);
  const numbered = withColumn(batches[0]!, 'group', vectorFromArray([1, 2, 3], new Int32()).data[0]!);
  const [many] = features([1001], 5);
  const ids = vectorFromArray(
    Array.from({ length: 1001 }, (_, i) => `document ${i}`),
    new Utf8(),
  );
  const named = withColumn(many!, 'group', ids.data[0]!);
  const cases: [Record<string, unknown>, Batch[], RegExp][] = [
    [{}, batches, /by: expected a column "group" of text, found none of this name, neither in the file/],
    [{}, [numbered], /by: expected a column "group" of text, it holds Int32/],
    [
      { targets: ['a', 'x'] },
      grouped(batches, ['a', 'b']),
      /no document with "x" in the column "group" \(found: a\)/,
    ],
    [{}, grouped(batches, [null]), /there is no value in the column "group" \(found: nothing\)/],
    [{}, [named], /more than 1000 values.*name those that you want with targets/],
  ];
  for (const [settings, input, message] of cases) {
    const context = combineContext('', nothing);
    const accumulator = await startCombine<Profile>(profile, { by: 'group', ...settings }, context);
    await t.rejects(
      combineSplit(accumulator, input, 1, () => 0),
      { message },
      String(message),
    );
  }
  t.match(profile.options.safeParse({ targets: ['a'] }).error?.issues, [{ message: /name it with by/ }]);
  t.match(profile.options.safeParse({ by: 'x', targets: ['a', 'a'] }).error?.issues, [
    { message: /named twice/ },
  ]);
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
