import { Field, FixedSizeList, Float32, Int32, RecordBatch, Uint16 } from 'apache-arrow';
import t from 'tap';
import {
  type FeatureInfo,
  featureColumns,
  featureData,
  featureField,
  featureInfo,
  featureMetadata,
  featureNeeds,
  findFeatures,
  impactData,
  subsetText,
} from '../../transforms/columns.js';

const info: FeatureInfo = {
  neurons: 'att_q',
  layers: 2,
  k: 2,
  width: 300,
  model: 'm',
  tokenizer: 't',
  maxLength: 9,
};

function batchOf(
  columns: [Field, ReturnType<typeof featureData> | ReturnType<typeof impactData>][],
): RecordBatch {
  const batch = new RecordBatch(Object.fromEntries(columns.map(([field, data]) => [field.name, data])));
  return new RecordBatch(batch.schema.assign(...columns.map(([field]) => field)), batch.data);
}

function feature(
  own: FeatureInfo,
  values: number[],
  name = `${own.neurons}_feature`,
): [Field, ReturnType<typeof featureData>] {
  const data = featureData(Int32Array.from(values), values.length / own.layers / own.k, own);
  return [new Field(name, data.type, false, featureMetadata(own)), data];
}

t.test('what a column holds can be read from its metadata', async (t) => {
  const [field] = feature(info, [1, 2, 3, 299]);
  t.same(featureInfo(field), info);
  t.throws(() => featureInfo(new Field('x', field.type)), {
    message: 'column "x" does not say nag.neurons: it was not made by extract',
  });
  const unknown = new Map([...featureMetadata(info), ['nag.neurons', 'mlp']]);
  t.throws(() => featureInfo(new Field('x', field.type, false, unknown)), {
    message: 'column "x": unknown neuron type mlp',
  });
});

t.test('which layers were kept is among it', async (t) => {
  const some = { ...info, subset: { kept: [0, 12], of: 28 } };
  t.same(featureInfo(featureField(some)), some);
  t.equal(subsetText(some.subset), '0,12 of 28');
  t.equal(subsetText(undefined), 'all');
});

t.test('what stages that use features read: of one type, or of all', async (t) => {
  t.same(featureNeeds('att_q'), ['att_q_feature']);
  t.equal(featureNeeds().length, 6);
});

t.test('indices take 16 bits where all fit', async (t) => {
  const child = (width: number) =>
    (featureData(new Int32Array(4), 1, { ...info, width }).type.children[0] as Field).type;
  t.ok(child(65536) instanceof Uint16);
  t.ok(child(65537) instanceof Int32);
  const [, data] = feature({ ...info, width: 65536 }, [0, 65535, 1, 2]);
  t.same([...(data.children[0]!.values as Uint16Array)], [0, 65535, 1, 2]);
});

t.test('the feature column is found, by its type where there are several', async (t) => {
  const other = { ...info, neurons: 'fwd_up' as const };
  const both = batchOf([feature(info, [1, 2, 3, 4]), feature(other, [5, 6, 7, 8])]);
  t.same([...findFeatures(both, 'fwd_up').values], [5, 6, 7, 8]);
  t.same(findFeatures(both, 'att_q').info, info);
  t.same(featureColumns(both), ['att_q_feature', 'fwd_up_feature']);
  t.throws(() => findFeatures(both, undefined), {
    message: /several feature columns \(att_q_feature, fwd_up_feature\): name one/,
  });
  t.throws(() => findFeatures(both, 'att_o'), {
    message:
      /there is no feature column of att_o: put extract and top_k before .*\(columns: att_q_feature, fwd_up_feature\)/,
  });
});

t.test('a column of the pool that is only called like one is another thing', async (t) => {
  const image = impactData(new Float32Array(4), 1, { ...info, width: 2 });
  const batch = batchOf([[new Field('image_feature', image.type), image], feature(info, [1, 2, 3, 4])]);
  t.equal(findFeatures(batch, undefined).name, 'att_q_feature');
  t.same(featureColumns(batch), ['att_q_feature']);
});

t.test('values of a slice', async (t) => {
  const batch = batchOf([feature(info, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])]).slice(1, 3);
  t.same([...findFeatures(batch, 'att_q').values], [5, 6, 7, 8, 9, 10, 11, 12]);
});

t.test('values of another type', async (t) => {
  const type = new FixedSizeList(4, new Field('item', new Float32(), false));
  const data = impactData(new Float32Array(4), 1, { ...info, width: 2 });
  const batch = batchOf([[new Field('att_q_feature', type, false, featureMetadata(info)), data]]);
  t.throws(() => findFeatures(batch, 'att_q'), {
    message: 'column "att_q_feature": expected 16- or 32-bit neuron indices, found Float32',
  });
});
