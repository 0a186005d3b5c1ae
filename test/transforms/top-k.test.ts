import { makeData, RecordBatch } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { withColumn } from '../../pipeline/batch.js';
import {
  type FeatureInfo,
  featureData,
  featureInfo,
  featureMetadata,
  impactData,
} from '../../transforms/columns.js';
import { resolveK, topK } from '../../transforms/top-k.js';
import { names, parsed, testContext, transformed, values } from './context.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 2,
  k: 4,
  width: 4,
  model: 'm',
  tokenizer: 't',
  maxLength: 9,
};

function impacts(rows: number[][], own = info): Batch {
  const empty: Batch = {
    columns: new RecordBatch({
      n: makeData({ type: featureData(new Int32Array(0), 0, info).type, length: 0 }),
    }).slice(0, 0),
    bundle: { ordinal: 0, file: 'a', firstRow: 0, rows: rows.length, bytes: 0 },
    rows: Uint32Array.from(rows.keys()),
    computed: new Set(),
    removed: new Set(),
    roles: {},
  };
  const data = impactData(Float32Array.from(rows.flat()), rows.length, own);
  const metadata = featureMetadata(own);
  return withColumn({ ...empty, columns: new RecordBatch({ n: data }) }, `${own.neurons}_impact`, data, {
    metadata,
  });
}

t.test('the largest of each layer, largest first, ties by lower index', async (t) => {
  const batch = impacts([
    [1, 4, 2, 3, 0, 0, 0, 0],
    [5, 5, 9, 5, 0.5, 0.25, 0.75, 0.75],
  ]);
  const [out] = await transformed(topK, { k: 3 }, [batch], testContext(t));
  t.same(values([out!], 'fwd_up_feature'), [
    [1, 3, 2, 0, 1, 2],
    [2, 0, 1, 2, 3, 0],
  ]);
  t.same(names(out!), ['n', 'fwd_up_feature'], 'the impacts are gone');
  t.same(featureInfo(out!.columns.schema.fields[1]!), { ...info, k: 3 });
});

t.test('no impacts', async (t) => {
  const batch = impacts([[1, 2, 3, 4, 5, 6, 7, 8]]);
  const other = withColumn(batch, 'social_impact', impactData(new Float32Array(8), 1, info));
  const [out] = await transformed(topK, { k: 1 }, [other], testContext(t));
  t.ok(names(out!).includes('social_impact'), 'a column of the pool that is only called like that');
  await t.rejects(
    transformed(topK, {}, [{ ...batch, columns: batch.columns.select(['n']) }], testContext(t)),
    {
      message: 'there are no impacts: put extract before top_k',
    },
  );
});

t.test('k', async (t) => {
  t.equal(resolveK({}, 6144), 20);
  t.equal(resolveK({ k: 10 }, 6144), 10);
  t.equal(resolveK({ k: 10 }, 8), 8);
  t.equal(resolveK({ ratio: 0.003 }, 6144), 18);
  t.equal(resolveK({ ratio: 0.003 }, 11008), 33);
  t.equal(resolveK({ ratio: 1e-9 }, 100), 1);
  t.equal(resolveK({ ratio: 1 }, 100), 100);
  t.throws(() => parsed(topK, { k: 3, ratio: 0.1 }), /give either k or ratio, not both/);
  t.throws(() => parsed(topK, { k: 0 }));
  t.throws(() => parsed(topK, { ratio: 1.5 }));
});
