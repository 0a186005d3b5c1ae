import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Field, FixedSizeList, Float64, Int32, Int64, List, Struct, Uint16, Utf8 } from 'apache-arrow';
import t from 'tap';
import { writeTestParquet } from '../fixtures/parquet.js';
import { failure, snapshot } from './pipeline.js';

/** Two layers of three neurons. */
const index = [5, 1, 9, 0, 7, 2];
const feature = (indices: unknown) => ({ fwd_up_feature: { layer_topk_value_index: indices } });
const record = (values: object = {}) =>
  JSON.stringify({ docid: 'd', token_num: 3, ...feature(index), ...values });
const pool = (at: number, text: string) => [0, 1, 2, 3].map((i) => (i === at ? text : record())).join('\n');
const ints = new List(new Field('item', new Int32(), true));

interface Fault {
  readonly name: string;
  /** Content of pool.jsonl, or what writes the files. */
  readonly pool: string | ((dir: string) => Promise<unknown>);
  /** Options of the pool besides its path. */
  readonly options?: string;
  readonly path?: string;
  readonly keep?: string;
  readonly message: RegExp;
}

const parquet = (columns: Parameters<typeof writeTestParquet>[1], name = 'pool.parquet') => ({
  pool: (dir: string) => writeTestParquet(join(dir, name), { docid: ['a', 'b'], ...columns }),
  path: '*.parquet',
});

const faults: readonly Fault[] = [
  { name: 'an empty file', pool: '', message: /^pool\.jsonl: is empty; expected one JSON object a line$/ },
  {
    name: 'a list that is too short',
    pool: pool(2, record(feature([1, 2, 3, 4]))),
    message:
      /^pool\.jsonl: line 3, column "fwd_up_feature": expected 6 indices \(2 layers × 3\) as in the first row, found 4$/,
  },
  {
    name: 'a list that its layers do not divide',
    pool: pool(0, record(feature([1, 2, 3]))),
    message:
      /^pool\.jsonl: line 1, column "fwd_up_feature": 3 indices cannot be the same number for each of 2 layers; check layers$/,
  },
  {
    name: 'an empty list',
    pool: pool(0, record(feature([]))),
    message: /line 1, column "fwd_up_feature": 0 indices cannot be the same number/,
  },
  {
    name: 'no word of the layers',
    pool: pool(0, record()),
    options: '',
    message:
      /^pool\.jsonl: line 1, column "fwd_up_feature": the file does not say of how many layers its features are: set layers$/,
  },
  ...([-1, 1.5, 70000, 1e300, '7', null, [3]] as const).map((value) => ({
    name: `the index ${JSON.stringify(value)}`,
    pool: pool(1, record(feature([5, 1, 9, 0, value, 2]))),
    message:
      /^pool\.jsonl: line 2, column "fwd_up_feature": layer 1: expected neurons from 0 to 65535, found [^;]+(; if the model has so many, set width)?$/,
  })),
  {
    name: 'an index beyond the width',
    pool: pool(3, record(feature([5, 1, 12, 0, 1, 2]))),
    options: 'layers: 2, width: 12',
    message:
      /line 4, .* layer 0: expected neurons from 0 to 11, found 12; if the model has so many, set width$/,
  },
  {
    name: 'a row whose features are null',
    pool: pool(2, record({ fwd_up_feature: null })),
    message:
      /^pool\.jsonl: line 3, column "fwd_up_feature": expected features, .* or a list of indices, found nothing \(null\)$/,
  },
  {
    name: 'a row without features',
    pool: pool(2, '{"docid": "d", "token_num": 3}'),
    message: /^pool\.jsonl: line 3, column "fwd_up_feature": expected features, .* found undefined$/,
  },
  {
    name: 'features of another form',
    pool: pool(2, record({ fwd_up_feature: { index } })),
    message: /line 3, column "fwd_up_feature": expected features, .* found a mapping with index$/,
  },
  {
    name: 'a file without features',
    pool: '{"docid": "d", "doc": "text"}',
    message:
      /^pool\.jsonl: line 1: has no features: expected "fwd_up_feature" or another type's \(columns: docid, doc\)$/,
  },
  {
    name: 'a type that is not there',
    pool: pool(0, record()),
    options: 'layers: 2, neurons: [att_q]',
    message:
      /^pool\.jsonl: line 1: has no features: expected "att_q_feature" \(columns: docid, token_num, fwd_up_feature\)$/,
  },
  {
    name: 'features of another type, after the first row',
    pool: pool(2, record({ att_q_feature: { layer_topk_value_index: index } })),
    message:
      /^pool\.jsonl: column "att_q_feature": only some rows have it; name the types that all rows have under neurons$/,
  },
  {
    name: 'a row without a docid',
    pool: pool(2, record({ docid: null })),
    message: /^pool\.jsonl: row 2, column "docid": the row has no docid$/,
  },
  {
    name: 'a line that is cut off',
    pool: pool(3, '{"docid": "d", "fwd_up_fea'),
    message: /^pool\.jsonl: line 4: is not JSON: .*; expected one JSON object a line$/,
  },
  {
    name: 'compressed data that is cut off',
    pool: (dir) =>
      writeFile(
        join(dir, 'pool.jsonl.gz'),
        gzipSync(Array.from({ length: 999 }, (_, i) => record({ docid: `${i}` })).join('\n')).subarray(
          0,
          900,
        ),
      ),
    path: 'pool.jsonl.gz',
    options: 'layers: 2, infer_rows: 3',
    message: /^pool\.jsonl\.gz: ends in the middle of its compressed data: it is truncated$/,
  },
  {
    name: 'files with different numbers of neurons',
    pool: async (dir) => {
      await writeFile(join(dir, 'pool.jsonl'), pool(0, record()));
      await writeFile(join(dir, 'pool-2.jsonl'), record(feature([1, 2, 3, 4])));
    },
    path: 'pool*.jsonl',
    message: /^pool\.jsonl: line 1, .* expected 4 indices \(2 layers × 2\) as in pool-2\.jsonl, found 6$/,
  },
  {
    name: 'a layer that is not there',
    pool: pool(0, record()),
    keep: '[0, 2]',
    message: /^layers: there is no layer 2; the features have 2, counted 0 to 1$/,
  },
  {
    name: 'layers of the pool only',
    pool: pool(0, record()),
    keep: 'last',
    message:
      /cannot be compared with the target's profile, .*\(layers: 2 and 1; layers of the model: all and 1 of 2\)$/,
  },
  {
    name: 'JSON lines and Parquet together',
    pool: async (dir) => {
      await writeFile(join(dir, 'pool.jsonl'), record());
      await writeTestParquet(join(dir, 'pool.parquet'), { docid: ['a'] });
    },
    path: 'pool.*',
    message:
      /^pool\.jsonl: cannot be read together with pool\.parquet: read Parquet and JSON lines in two stages$/,
  },
  {
    name: 'Parquet with a null list',
    ...parquet({ fwd_up_feature: { type: ints, values: [index, null] } }),
    message: /^pool\.parquet: row 1, column "fwd_up_feature": expected features, .* found nothing \(null\)$/,
  },
  {
    name: 'Parquet with a null index',
    ...parquet({ fwd_up_feature: { type: ints, values: [index, [1, 2, null, 3, 4, 5]] } }),
    message: /^pool\.parquet: row 1, .* layer 0: expected neurons from 0 to 65535, found nothing \(null\)$/,
  },
  {
    name: 'Parquet with a negative index in a struct',
    ...parquet({
      fwd_up_feature: {
        type: new Struct([
          new Field('layer_topk_value_index', new List(new Field('item', new Int64(), true)), true),
        ]),
        values: [feature(index), feature([0, 0, 0, -7n, 0, 0])].map(
          ({ fwd_up_feature: { layer_topk_value_index } }) => ({
            layer_topk_value_index: (layer_topk_value_index as (number | bigint)[]).map(BigInt),
          }),
        ),
      },
    }),
    message: /^pool\.parquet: row 1, .* layer 1: expected neurons from 0 to 65535, found -7$/,
  },
  {
    name: 'Parquet with lists of several lengths',
    ...parquet({ fwd_up_feature: { type: ints, values: [index, [1, 2]] } }),
    message: /^pool\.parquet: row 1, .* expected 6 indices \(2 layers × 3\) as in the first row, found 2$/,
  },
  {
    name: 'Parquet with a column of another type',
    ...parquet({
      fwd_up_feature: { type: new List(new Field('item', new Float64(), true)), values: [[1], [2]] },
    }),
    message:
      /^pool\.parquet: column "fwd_up_feature": expected lists of whole numbers, .* found List<Float64>$/,
  },
  {
    name: 'Parquet without rows that does not say what it holds',
    pool: (dir) =>
      writeTestParquet(join(dir, 'pool.parquet'), {
        docid: { type: new Utf8(), values: [] },
        fwd_up_feature: { type: ints, values: [] },
      }),
    path: 'pool.parquet',
    message: /^pool\.parquet: column "fwd_up_feature": no row tells how many neurons a layer there are: .*$/,
  },
  {
    name: 'Parquet without a column of features',
    ...parquet({
      up: {
        type: new FixedSizeList(2, new Field('item', new Uint16(), false)),
        values: [
          [1, 2],
          [3, 4],
        ],
      },
    }),
    message:
      /^pool\.parquet: has no features: expected "fwd_up_feature" or another type's \(columns: docid, up\)$/,
  },
];

for (const fault of faults) {
  t.test(fault.name, async (t) => {
    const { options = 'layers: 2', path = 'pool.jsonl', keep } = fault;
    const dir = t.testdir({
      out: { 'selected.jsonl': 'an older output' },
      target: { 'target.jsonl': pool(0, record()) },
      'pipeline.yaml': `version: 1
stages:
  - {use: read.features, with: {path: target/target.jsonl, layers: 2, width: ${/width: (\d+)/.exec(options)?.[1] ?? 65536}}}
  - {id: profile, use: profile}
  - {use: read.features, with: {path: "${path}"${options && `, ${options}`}}}
${keep ? `  - {use: layers, with: {keep: ${keep}}}` : ''}
  - {use: score, from: {profile: profile}}
  - {use: write.jsonl, with: {path: out/selected.jsonl}}
`,
    });
    if (typeof fault.pool === 'string') await writeFile(join(dir, 'pool.jsonl'), fault.pool);
    else await fault.pool(dir);
    const before = await snapshot(dir);
    t.match(await failure(dir), { exitCode: 1, message: fault.message });
    t.same(await snapshot(dir), before, 'the older output is as it was, and nothing was left behind');
  });
}
