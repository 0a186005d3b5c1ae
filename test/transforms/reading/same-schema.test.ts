import {
  Bool,
  Decimal,
  Dictionary,
  Field,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimestampMicrosecond,
  TimestampMillisecond,
  Utf8,
} from 'apache-arrow';
import t from 'tap';
import { differenceOf, requireSameSchema, withNullsOf } from '../../../transforms/reading/same-schema.js';

const schema = (...fields: Field[]) => new Schema(fields);
const a = new Field('a', new Utf8(), true);
const b = new Field('b', new Int64(), true);

const different: [string, Schema, Schema, RegExp][] = [
  ['a missing column', schema(a, b), schema(a), /^column "b" is missing$/],
  ['one more', schema(a), schema(a, b), /^column "b" is not in the first$/],
  ['another order', schema(a, b), schema(b, a), /^column "b" stands at another place$/],
  [
    'another type',
    schema(a),
    schema(new Field('a', new Int32())),
    /^column "a" is Int32, and Utf8 in the first$/,
  ],
];
const types = [
  [new Int64(), new Int32()],
  [new TimestampMicrosecond(), new TimestampMillisecond()],
  [new TimestampMicrosecond('UTC'), new TimestampMicrosecond()],
  [new Decimal(2, 10), new Decimal(3, 10)],
  [new Dictionary(new Utf8(), new Int32()), new Utf8()],
  [new List(new Field('item', new Utf8())), new List(new Field('item', new Int32()))],
  [new Struct([a]), new Struct([b])],
] as const;
for (const [i, [one, other]] of types.entries())
  different.push([
    `types, ${i}`,
    schema(new Field('x', one)),
    schema(new Field('x', other)),
    /^column "x" is /,
  ]);

for (const [name, one, other, message] of different)
  t.test(name, async (t) => {
    t.match(differenceOf(one, other), message);
    const files = [one, one, other].map((own, i) => ({ path: `${i}.parquet`, schema: own }));
    t.throws(() => requireSameSchema(files), {
      message:
        /^2\.parquet: its columns differ from those of 0\.parquet: column .*; read the files in two stages/,
    });
  });

t.test('a column may hold nulls where one of the files lets it', async (t) => {
  const strict = schema(new Field('a', new Bool(), false), new Field('b', new Int64(), false));
  const loose = schema(new Field('a', new Bool(), true), new Field('b', new Int64(), false));
  const shared = requireSameSchema([
    { path: '0', schema: strict },
    { path: '1', schema: loose },
  ]);
  t.same(
    shared.fields.map(({ nullable }) => nullable),
    [true, false],
  );
  const children = [makeData({ type: new Bool(), length: 3 }), makeData({ type: new Int64(), length: 3 })];
  const type = new Struct(strict.fields);
  const batch = new RecordBatch(strict, makeData({ type, length: 3, nullCount: 0, children }));
  const out = withNullsOf(shared, batch);
  t.same(
    out.schema.fields.map(({ nullable }) => nullable),
    [true, false],
  );
  t.equal(out.numRows, 3);
  t.equal(out.data.children[0], children[0], 'no column is copied');
  t.equal(withNullsOf(strict, batch), batch, 'alike: the same batch');
});
