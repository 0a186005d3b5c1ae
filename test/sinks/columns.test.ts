import { Field, Int32, Struct, Utf8 } from 'apache-arrow';
import t from 'tap';
import { columnNeeds, writtenColumns } from '../../sinks/columns.js';
import { type FeatureInfo, featureData, featureField } from '../../transforms/columns.js';
import { batchOf, cells, recordBatch } from '../fixtures/engine.js';
import { withField } from '../transforms/features/with-field.js';

const columns = recordBatch({
  n: [new Int32(), [1, 2]],
  '#hidden': [new Int32(), [3, 4]],
  meta: [new Struct([new Field('docid', new Utf8(), true)]), [{ docid: 'a' }, { docid: 'b' }]],
});
const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 1,
  k: 1,
  width: 9,
  model: 'm',
  tokenizer: 't',
  maxLength: 9,
};
const features = withField(columns, featureField(info), featureData(Int32Array.from([5, 6]), 2, info));
const roles = { docid: 'meta.docid' };
const names = (...args: Parameters<typeof writtenColumns>) =>
  writtenColumns(...args).schema.fields.map((field) => field.name);

t.test('all that are not internal, or those that are named, in their order', async (t) => {
  const batch = batchOf(columns, 0, 0, roles);
  t.same(names(batch, undefined), ['n', 'meta']);
  t.same(names(batch, ['meta', 'n']), ['meta', 'n']);
  t.same(cells([writtenColumns(batch, ['meta.docid'])], 'meta.docid'), ['a', 'b']);
  t.throws(() => names(batch, ['m']), {
    message: /^columns: there is no column "m" \(columns: n, .*meta\)$/,
  });
});

t.test('docid is the column that plays the role, and comes along with features', async (t) => {
  const named = writtenColumns(batchOf(columns, 0, 0, roles), ['n', 'docid']);
  t.same(cells([named], 'docid'), ['a', 'b']);
  t.same(names(batchOf(features, 0, 0, roles), undefined), ['docid', 'n', 'meta', 'fwd_up_feature']);
  t.same(names(batchOf(features, 0, 0, { docid: 'id' }), undefined), ['n', 'meta', 'fwd_up_feature']);
  t.throws(() => names(batchOf(columns, 0, 0, { docid: 'id' }), ['docid']), { message: /no column "docid"/ });
  const own = withField(
    features,
    new Field('docid', new Int32()),
    recordBatch({ x: [new Int32(), [7, 8]] }).data.children[0]!,
  );
  t.same(cells([writtenColumns(batchOf(own, 0, 0, roles), ['docid'])], 'docid'), [7, 8]);
});

t.test('what a sink reads', async (t) => {
  t.same(columnNeeds(undefined), { columns: 'all' });
  t.same(columnNeeds(['a', 'docid']), { columns: ['a', 'docid'] });
  t.same(columnNeeds(['a']), { columns: ['a'] });
});
