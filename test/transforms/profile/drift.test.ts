import { Utf8, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { type Batch, withColumn } from '../../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../../transforms/columns.js';
import { type Profile, profile } from '../../../transforms/profile.js';
import { combineContext, combineSplit, startCombine } from '../../fixtures/combine.js';
import { emptyBatches } from '../../fixtures/engine.js';
import { nightMemory } from '../../fixtures/memory.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 2,
  k: 1,
  width: 8,
  subset: { kept: [0, 3], of: 4 },
  model: 'model a',
  tokenizer: 'tokenizer',
  maxLength: 120,
};

/** A document is its value of `name`, and its neuron in either layer. */
type Document = readonly [name: string, first: number, second: number];

function batchOf(documents: readonly Document[], own: FeatureInfo): Batch {
  const [empty] = emptyBatches([documents.length]);
  const indices = Int32Array.from(documents.flatMap(([, ...neurons]) => neurons));
  const names = vectorFromArray(
    documents.map(([name]) => name),
    new Utf8(),
  ).data[0]!;
  const data = featureData(indices, documents.length, own);
  return withColumn(withColumn(empty!, 'name', names), 'fwd_up_feature', data, {
    metadata: featureMetadata(own),
  });
}

async function night(
  documents: readonly Document[],
  found?: ReadonlyMap<string, Uint8Array>,
  options: Record<string, unknown> = {},
  own = info,
) {
  const { memory, left } = nightMemory(found);
  const context = { ...combineContext('', async function* () {}), memory };
  const accumulator = await startCombine<Profile>(profile, options, context);
  const made = await combineSplit(accumulator, [batchOf(documents, own)], 1, () => 0);
  const { documents: _, ...drifts } = Object.fromEntries(context.figures);
  return { left, made, drifts, reports: context.reports };
}

const monday: Document[] = [
  ['a', 0, 1],
  ['a', 1, 1],
  ['b', 4, 4],
];

t.test('a target that moved', async (t) => {
  const first = await night(monday);
  t.strictSame(first.reports, [], 'there is nothing to compare with yet');
  t.strictSame(first.drifts, {});
  // The first layer goes from ⅓, ⅓, ⅓ to ¼, ½, ¼, the second from ⅔, ⅓ to ¾, ¼.
  const second = await night([...monday, ['a', 1, 1]], first.left);
  t.match(second.drifts, { drift: /^0\.125/ });
  t.equal(Object.keys(second.drifts).length, 1);
  t.strictSame(second.reports, [
    [
      'combine: drift since the last run (2026-11-23 02:14 UTC)',
      '  target   drift  documents  then',
      '  target  0.1250          4     3',
    ].join('\n'),
  ]);
  const third = await night([...monday, ['a', 1, 1]], second.left);
  t.strictSame(third.drifts, { drift: 0 }, 'with the last, not with the first');
});

t.test('several targets: each on its own, new ones and those that are gone', async (t) => {
  const by = { by: 'name' };
  const first = await night(monday, undefined, by);
  const second = await night(
    [
      ['a', 0, 1],
      ['a', 2, 2],
      ['c', 4, 4],
    ],
    first.left,
    by,
  );
  t.strictSame(second.drifts, { 'drift a': 0.5 });
  t.equal(
    second.reports.join(),
    [
      'combine: drift since the last run (2026-11-23 02:14 UTC)',
      '  target  drift   documents  then',
      '  a       0.5000          2     2',
      '  c       new             1     -',
      '  b       gone            -     1',
    ].join('\n'),
  );
});

t.test('many targets: those that moved most', async (t) => {
  const names = Array.from({ length: 30 }, (_, i) => `target ${String(i).padStart(2, '0')}`);
  const first = await night(
    names.map((name) => [name, 0, 0]),
    undefined,
    { by: 'name' },
  );
  const second = await night(
    names.map((name, i) => [name, 0, i % 3 === 0 ? 1 : 0]),
    first.left,
    { by: 'name' },
  );
  t.match(second.drifts, { 'mean drift': /^0\.16666/, 'largest drift': 0.5 });
  t.equal(Object.keys(second.drifts).length, 2);
  const lines = second.reports.join().split('\n');
  t.match(lines[0], /, the 20 of 30 targets that moved most$/);
  t.equal(lines.filter((line) => / 0\.5000 /.test(line)).length, 10);
});

t.test('what was made differently is not compared', async (t) => {
  const first = await night(monday);
  for (const [options, own, said] of [
    [{ power: 2 }, info, /no drift: power: 1 and 2$/],
    [{}, { ...info, model: 'model b' }, /no drift: model weights: model a and model b$/],
    [{}, { ...info, subset: undefined }, /no drift: layers of the model: 0,3 of 4 and all$/],
    [{ power: 2 }, { ...info, width: 9 }, /no drift: power: 1 and 2; neurons a layer: 8 and 9$/],
  ] as const) {
    const second = await night(monday, first.left, options, own);
    t.strictSame(second.drifts, {});
    t.match(second.reports, [said]);
    t.strictSame(
      (await night(monday, second.left, options, own)).drifts,
      { drift: 0 },
      'but it is remembered',
    );
  }
});

t.test('what is missing a part, or of another form, counts as nothing', async (t) => {
  const first = await night(monday, undefined, { by: 'name' });
  t.equal(first.left.size, 3);
  for (const name of first.left.keys()) {
    const part = new Map([...first.left].filter(([other]) => other !== name));
    t.strictSame((await night(monday, part, { by: 'name' })).drifts, {}, name);
  }
  const other = new Map([...first.left, ['targets', Buffer.from('{"format": "later"}')]]);
  const second = await night(monday, other, { by: 'name' });
  t.strictSame([second.drifts, second.reports], [{}, []]);
});

t.test('the profile itself is the same', async (t) => {
  const first = await night(monday);
  const second = await night(monday, first.left);
  t.strictSame(second.made, first.made);
});
