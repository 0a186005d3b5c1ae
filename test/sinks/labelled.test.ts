import { Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import {
  addRows,
  createSample,
  extractRows,
  mergeSamples,
  readLabelled,
  type Taking,
} from '../../sinks/labelled.js';
import { seededFraction } from '../../transforms/sampling.js';
import { allSame } from '../fixtures/all-same.js';
import { batchOf, recordBatch } from '../fixtures/engine.js';
import { kindOfRow, withFeatures } from '../fixtures/labelled-pool.js';
import { goldenNags, nagsGolden } from '../fixtures/nags-golden.js';
import { testContext } from '../transforms/context.js';
import { randomIntegers } from '../transforms/nag/random.js';

const everything = [...Array(goldenNags.rows).keys()];
const usual: Taking = { by: 'kind', max_rows: 1000, seed: 42 };
const ignore = () => undefined;

function batch(rows: readonly number[], ordinal = 0, kindOf: (n: number) => string | null = kindOfRow) {
  return withFeatures(
    batchOf(
      recordBatch({ docid: [new Utf8(), rows.map(String)], kind: [new Utf8(), rows.map(kindOf)] }),
      ordinal,
    ),
  );
}

async function* stream(batches: readonly (readonly number[])[], kindOf?: (n: number) => string | null) {
  for (const [i, rows] of batches.entries()) yield batch(rows, i, kindOf);
}

/** What the sample must hold: sorted by lot, at most `perLabel` of each label, `most` in all. */
function expectedKeys(seed: number, perLabel: number, most: number): string[] {
  const counts = new Map<string, number>();
  return everything
    .map((n) => ({ n, lot: seededFraction(seed, String(n)) }))
    .sort((a, b) => a.lot - b.lot)
    .filter(({ n }) => {
      counts.set(kindOfRow(n), (counts.get(kindOfRow(n)) ?? 0) + 1);
      return counts.get(kindOfRow(n))! <= perLabel;
    })
    .slice(0, most)
    .map(({ n }) => String(n));
}

allSame(t, 'the sample is exact in every order and split', (same) => {
  const random = randomIntegers(11);
  for (const [per_label, max_rows] of [
    [7, 1000],
    [1000, 20],
    [9, 31],
    [3, 10],
  ] as const) {
    const taking = { ...usual, per_label, max_rows, seed: per_label };
    for (let trial = 0; trial < 8; trial++) {
      const parts = Array.from({ length: 1 + random(4) }, createSample);
      const shuffled = everything.map((n) => ({ n, at: random(1e9) })).sort((a, b) => a.at - b.at);
      for (let at = 0, size = 0; at < shuffled.length; at += size) {
        size = 1 + random(30);
        const own = shuffled.slice(at, at + size).map(({ n }) => n);
        addRows(parts[random(parts.length)]!, batch(own, at), taking, ignore);
      }
      const whole = parts.reduce((into, other) => mergeSamples(into, other, taking));
      const name = `at most ${per_label} and ${max_rows}, trial ${trial}`;
      const { length } = whole.members;
      same(length <= 2 * max_rows || length, true, `${name}: it stays small`);
      const found = extractRows(whole, taking)!;
      same(found.keys, expectedKeys(per_label, per_label, max_rows), `${name}: the rows`);
      same(
        [...found.labels].map((label) => found.names[label]),
        found.keys.map((key) => kindOfRow(Number(key))),
        `${name}: their labels`,
      );
    }
  }
});

t.test('features, totals and the order of labels', async (t) => {
  const kindOf = (n: number) => (n < 60 ? 'many' : n < 90 ? 'b' : 'a');
  const found = await readLabelled(
    stream([everything], kindOf),
    { ...usual, per_label: 40 },
    testContext(t),
    3,
  );
  t.strictSame(found.names, ['many', 'a', 'b']);
  t.strictSame(found.totals, [60, 30, 30]);
  const size = goldenNags.layers * goldenNags.k;
  const row = found.keys.indexOf('77');
  t.strictSame(
    found.features.slice(row * size, (row + 1) * size),
    goldenNags.features.slice(77 * size, 78 * size),
  );
});

t.test('every row that is not taken is counted', async (t) => {
  const context = testContext(t);
  const kindOf = (n: number) => (n % 10 === 0 ? null : kindOfRow(n));
  const taking = { ...usual, labels: ['group 0', 'group 1', 'group 9'], per_label: 18, max_rows: 30 };
  const found = await readLabelled(stream([everything, []], kindOf), taking, context, 3);
  t.equal(found.labels.length, 30);
  t.equal(context.left.get('no kind'), 12);
  const wanted = everything.filter((n) => n % 10 !== 0 && nagsGolden.labels[n]! < 2).length;
  t.equal(context.left.get('other kind'), 108 - wanted);
  t.equal(context.left.get('beyond per_label')! + context.left.get('beyond max_rows')!, wanted - 30);
  t.strictSame(context.notes, [
    'a sample of 30 of 36 rows is used: max_rows is 30',
    'no row has the kind "group 9"',
  ]);
});

t.test('rows without docids are known by their places', async (t) => {
  const { columns, ...rest } = batch([5, 6, 7]);
  const found = await readLabelled(
    (async function* () {
      yield { ...rest, columns, roles: {} };
    })(),
    usual,
    testContext(t),
    3,
  );
  t.strictSame([...found.keys].sort(), ['memory-0:0', 'memory-0:1', 'memory-0:2']);
});

t.test('labels may be numbers', async (t) => {
  const numbered = withFeatures(
    batchOf(recordBatch({ docid: [new Utf8(), ['1', '2', '3']], kind: [new Int32(), [7, null, 7]] }), 0),
  );
  const sample = createSample();
  addRows(sample, numbered, { ...usual, labels: ['7'] }, ignore);
  t.strictSame(extractRows(sample, usual)?.names, ['7']);
});

t.test('what cannot be used', async (t) => {
  const read = (taking: Partial<Taking>, batches = [everything.slice(0, 2)]) =>
    readLabelled(stream(batches), { ...usual, ...taking }, testContext(t), 3);
  await t.rejects(read({ by: 'category' }), {
    message: 'memory-0: there is no column "category" in its rows; set by: … to the column of the labels',
  });
  await t.rejects(read({}), { message: /^stage: expected at least 3 rows with a "kind", found 2; check/ });
  await t.rejects(read({}, []), { message: /found 0; check its path/ });
  await t.rejects(read({ labels: ['x', 'y'] }), { message: /found 0: check labels \(x, y\)$/ });
  const foreign = createSample();
  addRows(foreign, batch([1, 2]), usual, ignore);
  foreign.members[1]!.features[3] = goldenNags.width;
  t.throws(() => extractRows(foreign, usual), {
    message: /^the features of "\d" hold neuron 48, but a layer has 48/,
  });
  const sample = createSample();
  addRows(sample, batch([1, 2]), usual, ignore);
  const other = withFeatures(
    batchOf(recordBatch({ docid: [new Utf8(), ['3']], kind: [new Utf8(), ['x']] }), 1),
    'b',
  );
  t.throws(() => addRows(sample, other, usual, ignore), {
    message: /made differently \(model weights: a and b\)/,
  });
});
