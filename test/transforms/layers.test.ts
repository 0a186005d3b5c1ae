import { Utf8 } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureField, findFeatures } from '../../transforms/columns.js';
import { layers } from '../../transforms/layers.js';
import { batchOf, recordBatch } from '../fixtures/engine.js';
import { testContext, transformed, values } from './context.js';
import { withField } from './features/with-field.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 4,
  k: 2,
  width: 100,
  model: 'm',
  tokenizer: 't',
  maxLength: 9,
};
const docids = recordBatch({ docid: [new Utf8(), ['a', 'b']] });

/** Two documents; neuron 10 · document + layer, and the same again plus 50. */
function documents(...infos: readonly FeatureInfo[]): Batch {
  const columns = infos.reduce((batch, own) => {
    const indices = [0, 1].flatMap((row) =>
      Array.from({ length: own.layers }, (_, layer) => [10 * row + layer, 10 * row + layer + 50]).flat(),
    );
    return withField(batch, featureField(own), featureData(Int32Array.from(indices), 2, own));
  }, docids);
  return batchOf(columns, 0);
}

t.test('first, last and lists; the column says which', async (t) => {
  const cases = [
    ['first', [0]],
    ['last', [3]],
    [[2], [2]],
    [
      [3, 0, 3],
      [0, 3],
    ],
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
  ] as const;
  for (const [keep, kept] of cases) {
    const [batch] = await transformed(layers, { keep }, [documents(info)], testContext(t));
    const found = findFeatures(batch!.columns, 'fwd_up');
    t.same(
      [...found.values],
      [0, 1].flatMap((row) => kept.flatMap((layer) => [10 * row + layer, 10 * row + layer + 50])),
    );
    const subset = kept.length === 4 ? {} : { subset: { kept, of: 4 } };
    t.same(found.info, { ...info, layers: kept.length, ...subset });
    t.same(values([batch!], 'docid'), ['a', 'b']);
  }
});

t.test('layers of layers are still named as those of the model; every type has them', async (t) => {
  const both = documents(info, { ...info, neurons: 'att_q', layers: 3 });
  const once = await transformed(layers, { keep: [1, 2] }, [both], testContext(t));
  const [twice] = await transformed(layers, { keep: 'last' }, once, testContext(t));
  t.same(findFeatures(twice!.columns, 'fwd_up').info.subset, { kept: [2], of: 4 });
  t.same(findFeatures(twice!.columns, 'att_q').info.subset, { kept: [2], of: 3 });
  t.same([...findFeatures(twice!.columns, 'att_q').values], [2, 52, 12, 62]);
});

t.test('what cannot be', async (t) => {
  const run = (keep: unknown, batch = documents(info)) =>
    transformed(layers, { keep }, [batch], testContext(t));
  await t.rejects(run([1, 4, 7]), {
    message: 'stage: there is no layer 4, 7; the features have 4, counted 0 to 3',
  });
  await t.rejects(run('first', batchOf(docids, 0)), { message: /there is no feature column/ });
  for (const keep of [[], [-1], [0.5], 'middle']) t.notOk(layers.options.safeParse({ keep }).success);
  t.same(await transformed(layers, { keep: 'last' }, [], testContext(t)), []);
});
