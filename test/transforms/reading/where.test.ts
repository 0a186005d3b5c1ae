import {
  Binary,
  Bool,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int8,
  Int32,
  Int64,
  List,
  RecordBatch,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import t from 'tap';
import { compileWhere, whereOption } from '../../../transforms/reading/where.js';
import { allSame } from '../../fixtures/all-same.js';
import { recordBatch } from '../../fixtures/engine.js';

const columns: Record<string, Vector> = {
  lang: vectorFromArray(['en', 'de', null, 'en', ''], new Utf8()),
  label: vectorFromArray(['a', 'b', 'a', null, 'b'], new Dictionary(new Utf8(), new Int8())),
  n: vectorFromArray([1n, 2n, 2n ** 53n + 2n, null, -1n], new Int64()),
  score: vectorFromArray([0.1, 0.5, null, Number.NaN, 0], new Float32()),
  ratio: vectorFromArray([0.1, 0.5, null, 1, 0], new Float64()),
  good: vectorFromArray([true, false, null, true, true], new Bool()),
  meta: vectorFromArray(
    [
      { source: 'web', deep: { n: 1 } },
      null,
      { source: null, deep: null },
      { source: 'book', deep: { n: 2 } },
      null,
    ],
    new Struct([
      new Field<Utf8 | Struct>('source', new Utf8(), true),
      new Field<Utf8 | Struct>('deep', new Struct([new Field('n', new Int32(), true)]), true),
    ]),
  ),
  'a.b': vectorFromArray(['x', 'y', 'x', 'y', 'x'], new Utf8()),
  at: vectorFromArray([0, 1, 2, 3, 4], new TimestampMicrosecond()),
  tags: vectorFromArray([['x'], [], null, [], []], new List(new Field('item', new Utf8()))),
  bytes: vectorFromArray(
    [1, 2, 3, 4, 5].map((b) => new Uint8Array([b])),
    new Binary(),
  ),
};
const batch = new RecordBatch(
  Object.fromEntries(Object.entries(columns).map(([name, vector]) => [name, vector.data[0]!])),
);
const select = (where: Parameters<typeof compileWhere>[0]) => [
  ...(compileWhere(where, batch.schema, 'pool.parquet')?.select(batch) ?? ['no filter']),
];

t.test('rows that stay', async (t) => {
  const cases: [Parameters<typeof compileWhere>[0], unknown[]][] = [
    [{}, ['no filter']],
    [{ lang: 'en' }, [0, 3]],
    [{ lang: '' }, [4]],
    [{ lang: ['de', 'en'] }, [0, 1, 3]],
    [{ lang: null }, [2]],
    [{ lang: ['de', null] }, [1, 2]],
    [{ lang: 'fr' }, []],
    [{ label: 'b' }, [1, 4]],
    [{ n: 2 }, [1]],
    [{ n: -1 }, [4]],
    [{ score: 0.1 }, [0]],
    [{ ratio: 0.1 }, [0]],
    [{ ratio: [0, 1] }, [3, 4]],
    [{ good: false }, [1]],
    [{ 'meta.source': 'web' }, [0]],
    [{ 'meta.deep.n': 2 }, [3]],
    [{ 'meta.source': null }, [1, 2, 4]],
    [{ 'a.b': 'y' }, [1, 3]],
    [{ lang: 'en', good: true, ratio: 1 }, [3]],
    [{ at: null }, []],
    [{ n: { min: 1 } }, [0, 1, 2]],
    [{ n: { min: 1.5, max: 2 } }, [1]],
    [{ n: { max: 2 ** 53 - 1 } }, [0, 1, 4]],
    [{ score: { min: 0.1 } }, [0, 1]],
    [{ score: { max: 0.1 } }, [0, 4]],
    [{ ratio: { min: 0.1, max: 0.5 } }, [0, 1]],
    [{ ratio: { min: 2 } }, []],
    [{ lang: { min: 'de', max: 'en' } }, [0, 1, 3]],
    [{ lang: { max: 'dz' } }, [1, 4]],
    [{ label: { min: 'b' } }, [1, 4]],
    [{ 'meta.deep.n': { max: 1 } }, [0]],
    [{ lang: { not: 'en' } }, [1, 2, 4]],
    [{ lang: { not: ['en', null] } }, [1, 4]],
    [{ good: { not: true } }, [1, 2]],
    [{ n: { not: null } }, [0, 1, 2, 4]],
    [{ n: { not: 2, min: 0 } }, [0, 2]],
    [{ score: { not: 0.1 } }, [1, 2, 3, 4]],
  ];
  allSame(t, 'rows', (same) => {
    for (const [where, rows] of cases) same(select(where), rows, JSON.stringify(where));
  });
});

t.test('what can never be', async (t) => {
  const cases: [Parameters<typeof compileWhere>[0], RegExp][] = [
    [
      { lang: 1 },
      /^pool\.parquet: column "lang": where: the column is Utf8 and can never equal 1 \(number\)/,
    ],
    [{ lang: ['en', true] }, /can never equal true \(boolean\)/],
    [{ n: '1' }, /the column is Int64 and can never equal "1" \(string\)/],
    [{ n: 1.5 }, /can never equal 1\.5/],
    [{ n: 2 ** 53 }, /can never equal 9007199254740992/],
    [{ good: 'true' }, /the column is Bool and can never equal "true"/],
    [{ label: 1 }, /can never equal 1/],
    [{ 'meta.deep.n': 'x' }, /column "meta\.deep\.n": where: the column is Int32/],
    [
      { at: '2026-01-01' },
      /the column is Timestamp<MICROSECOND>; only text, numbers and true or false can be/,
    ],
    [{ tags: 'x' }, /only text, numbers and true or false/],
    [{ bytes: 'x' }, /only text, numbers and true or false/],
    [{ lang: { not: 1 } }, /the column is Utf8 and can never equal 1/],
    [{ lang: { min: 1 } }, /the column is Utf8 and cannot be compared with the bound 1 \(number\)/],
    [{ n: { max: '5' } }, /cannot be compared with the bound "5" \(string\)/],
    [{ n: { max: 2 ** 53 } }, /cannot be compared with the bound 9007199254740992/],
    [{ good: { min: 0 } }, /the column is Bool and cannot be compared with the bound 0/],
    [{ at: { min: 0 } }, /only text, numbers and true or false can be/],
    [{ language: 'en' }, /^pool\.parquet: there is no column "language" \(columns: lang, label, /],
    [{ 'meta.none': 'en' }, /there is no column "meta\.none"/],
    [{ 'lang.x': 'en' }, /there is no column "lang\.x"/],
  ];
  for (const [where, message] of cases) t.throws(() => select(where), { message }, JSON.stringify(where));
});

t.test('text lies in ranges by code point', async (t) => {
  const texts = recordBatch({ x: [new Utf8(), ['a', '\uffee', '😀', null]] });
  const found = compileWhere({ x: { min: 'b', max: '\uffff' } }, texts.schema, 'x')!.select(texts);
  t.same([...found], [1]);
});

t.test('the forms of a condition', async (t) => {
  const accepts = (value: unknown) => whereOption.safeParse({ x: value }).success;
  for (const good of [
    1,
    'a',
    true,
    null,
    [1, null],
    { min: 1 },
    { max: 'a' },
    { not: [1] },
    { min: 1, not: null },
  ])
    t.ok(accepts(good), JSON.stringify(good));
  for (const bad of [{}, [], { min: null }, { max: true }, { mni: 1 }, { not: [] }, { not: { min: 1 } }])
    t.notOk(accepts(bad), JSON.stringify(bad));
});

t.test('a column of JSON texts cannot be compared', async (t) => {
  const schema = new Schema([new Field('mixed', new Utf8(), true, new Map([['nag.json', 'true']]))]);
  t.throws(() => compileWhere({ mixed: 'a' }, schema, 'pool.jsonl'), {
    message: /values of several types, as JSON text.*types: \{mixed: …\}$/,
  });
});
