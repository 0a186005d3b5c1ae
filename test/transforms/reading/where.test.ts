import {
  Binary,
  Bool,
  type Data,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  Float16,
  Float32,
  Float64,
  Int8,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimeMicrosecond,
  type Timestamp,
  TimestampMicrosecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint8,
  Uint64,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import t from 'tap';
import type { Condition } from '../../../transforms/reading/condition.js';
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
    [{ n: 'x' }, /the column is Int64 and can never equal "x" \(string\)/],
    [{ n: 1.5 }, /can never equal 1\.5/],
    [{ n: 2 ** 53 }, /can never equal 9007199254740992/],
    [{ good: 'true' }, /the column is Bool and can never equal "true"/],
    [{ label: 1 }, /can never equal 1/],
    [{ 'meta.deep.n': 'x' }, /column "meta\.deep\.n": where: the column is Int32/],
    [{ tags: 'x' }, /only text, numbers, dates, times and true or false/],
    [{ bytes: 'x' }, /only text, numbers, dates, times and true or false/],
    [{ lang: { not: 1 } }, /the column is Utf8 and can never equal 1/],
    [{ lang: { min: 1 } }, /the column is Utf8 and cannot be compared with the bound 1 \(number\)/],
    [{ n: { max: 'x' } }, /cannot be compared with the bound "x" \(string\)/],
    [{ n: { max: 2 ** 53 } }, /cannot be compared with the bound 9007199254740992/],
    [{ good: { min: 0 } }, /the column is Bool and cannot be compared with the bound 0/],
    [
      { at: { min: 0 } },
      /cannot be compared with the bound 0 \(number\); write a date or a time without a zone/,
    ],
    [{ language: 'en' }, /^pool\.parquet: there is no column "language" \(columns: lang, label, /],
    [{ 'meta.none': 'en' }, /there is no column "meta\.none"/],
    [{ 'lang.x': 'en' }, /there is no column "lang\.x"/],
  ];
  for (const [where, message] of cases) t.throws(() => select(where), { message }, JSON.stringify(where));
});

const exact: Record<string, Vector> = {
  big: vectorFromArray([2n ** 53n, 2n ** 53n + 1n, null, -(2n ** 63n)], new Int64()),
  huge: vectorFromArray([2n ** 64n - 1n, 2n ** 64n - 2n, null, 0n], new Uint64()),
  price: new Vector([decimals([1250n, -5n, undefined, 10n ** 37n], new Decimal(2, 38, 128))]),
  day: vectorFromArray(['2024-02-28', '2024-02-29', null, '1969-12-31'].map(dateOf), new DateDay()),
  dayMs: vectorFromArray(['2024-02-28', '2024-02-29', null, '1969-12-31'].map(dateOf), new DateMillisecond()),
  wall: times(new TimestampMicrosecond(), [0n, 1_709_164_800_000_001n, undefined, -1n]),
  zoned: times(new TimestampNanosecond('Europe/Berlin'), [0n, 1_709_164_800_000_000_001n, undefined, -1n]),
  seconds: times(new TimestampSecond(), [0n, 1_709_164_800n, undefined, -1n]),
  clock: times(new TimeMicrosecond(), [0n, 45_000_000_000n, undefined, 1n]),
  half: new Vector([halves([0x2e66, 0x34cd, 0x7bff, 0])]),
  byte: vectorFromArray([255, 0, null, 7], new Uint8()),
};
const kinds = ['big', 'price', 'day', 'wall', 'half', 'good'];
const exactBatch = new RecordBatch({
  ...Object.fromEntries(Object.entries(exact).map(([name, vector]) => [name, vector.data[0]!])),
  good: vectorFromArray([true, false, null, true], new Bool()).data[0]!,
});
const asDictionaries = new RecordBatch(
  Object.fromEntries(
    kinds.map((name) => [name, dictionaryOf(exactBatch.getChild(name as 'good')!.data[0]!)]),
  ),
);

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

function validity(values: readonly unknown[]) {
  const bits = values.reduce<number>((all, value, i) => all | (value === undefined ? 0 : 1 << i), 0);
  return Uint8Array.of(bits, 0, 0, 0, 0, 0, 0, 0);
}

function decimals(values: readonly (bigint | undefined)[], type: Decimal): Data {
  const words = BigUint64Array.from(
    values.flatMap((value = 0n) => [BigInt.asUintN(64, value), BigInt.asUintN(64, value >> 64n)]),
  );
  return makeData({
    type,
    length: 4,
    nullCount: 1,
    nullBitmap: validity(values),
    data: new Uint32Array(words.buffer),
  });
}

function times(type: Timestamp | TimeMicrosecond, values: readonly (bigint | undefined)[]): Vector {
  const data = BigInt64Array.from(values, (value) => value ?? 0n);
  return new Vector([
    makeData({ type, length: 4, nullCount: 1, nullBitmap: validity(values), data } as never) as Data,
  ]);
}

function halves(bits: readonly number[]): Data {
  return makeData({ type: new Float16(), length: 4, nullCount: 0, data: Uint16Array.from(bits) });
}

function dictionaryOf(values: Data): Data {
  const type = new Dictionary(values.type, new Int8());
  return makeData({
    type,
    length: 4,
    nullCount: 0,
    data: Int8Array.of(3, 2, 1, 0),
    dictionary: new Vector([values]),
  } as never);
}

t.test('values that doubles do not hold, dates and times', async (t) => {
  const cases: [string, Condition, number[]][] = [
    ['big', '9007199254740993', [1]],
    ['big', ['9007199254740992', '-9223372036854775808'], [0, 3]],
    ['big', { min: '9007199254740993' }, [1]],
    ['big', { max: '9007199254740992' }, [0, 3]],
    ['big', { min: '1e3', max: '9007199254740992.5' }, [0]],
    ['big', { not: '9007199254740993' }, [0, 2, 3]],
    ['huge', '18446744073709551615', [0]],
    ['huge', { min: '18446744073709551615' }, [0]],
    ['huge', { min: -1, max: 0 }, [3]],
    ['price', 12.5, [0]],
    ['price', '12.50', [0]],
    ['price', -0.05, [1]],
    ['price', { min: -0.051, max: 12.499 }, [1]],
    ['price', { min: '99999999999999999999999999999999999.99' }, [3]],
    ['day', '2024-02-29', [1]],
    ['day', { min: '2024-02-29' }, [1]],
    ['day', { max: '2024-02-28' }, [0, 3]],
    ['dayMs', ['2024-02-29', null], [1, 2]],
    ['wall', '1970-01-01', [0]],
    ['wall', '2024-02-29T00:00:00.000001', [1]],
    ['wall', { min: '2024-02-29' }, [1]],
    ['wall', { max: '2024-02-29 00:00' }, [0, 3]],
    ['wall', { min: '1970-01-01T00:00:00.0000001' }, [1]],
    ['zoned', '1970-01-01T00:00:00Z', [0]],
    ['zoned', '1970-01-01T01:00:00+01:00', [0]],
    ['zoned', '1970-01-01', [0]],
    ['zoned', '2024-02-29T00:00:00.000000001', [1]],
    ['zoned', { max: '1969-12-31T18:59:59.999999999-0500' }, [3]],
    ['seconds', { max: '1970-01-01T00:00:00.5', min: '1969-12-31T23:59:58.5' }, [0, 3]],
    ['clock', '12:30', [1]],
    ['clock', { max: '00:00:00.000001' }, [0, 3]],
    ['half', 0.1, [0]],
    ['half', 0.3, [1]],
    ['half', { max: 0.1 }, [0, 3]],
    ['half', { min: 65504, max: 1e9 }, [2]],
    ['byte', 255, [0]],
    ['byte', { max: 300 }, [0, 1, 3]],
  ];
  const found = (where: Record<string, Condition>, from: RecordBatch) => [
    ...compileWhere(where, from.schema, 'x')!.select(from),
  ];
  t.strictSame(
    cases.map(([column, condition]) => [column, condition, found({ [column]: condition }, exactBatch)]),
    cases,
  );
  const inDictionaries = cases.filter(([column]) => kinds.includes(column));
  t.strictSame(
    inDictionaries.map(([column, condition]) => [
      column,
      condition,
      found({ [column]: condition }, asDictionaries),
    ]),
    inDictionaries.map(([column, condition, rows]) => [
      column,
      condition,
      rows.map((row) => 3 - row).reverse(),
    ]),
    'the same in dictionaries',
  );
  t.strictSame(found({ good: true }, asDictionaries), [0, 3]);
});

t.test('literals that are no value of the column', async (t) => {
  const cases: [string, Condition, RegExp][] = [
    ['big', 2 ** 53, /integers past 2\^53 are rounded in YAML: write the digits in quotes/],
    ['big', '9223372036854775808', /write an integer that the type holds/],
    ['byte', 256, /Uint8 and can never equal 256 .*write an integer that the type holds/],
    ['byte', -1, /can never equal -1/],
    ['price', 12.505, /Decimal.* can never equal 12\.505 .*no more digits/],
    ['price', '1e36', /no more digits/],
    ['day', 20240229, /write a date, as 2024-05-31/],
    ['day', '2024-02-30', /write a date/],
    ['day', '2024-02-29T00:00:00', /write a date/],
    ['day', { min: 'yesterday' }, /cannot be compared with the bound "yesterday" .*write a date/],
    ['wall', '2024-02-29T00:00:00Z', /without a zone/],
    ['wall', { min: '2024-02-29T00:00:00Z' }, /without a zone/],
    ['wall', '2024-02-29T24:00:00', /without a zone/],
    ['wall', '2024-02-29T00:00:00.0000001', /no finer than the type/],
    ['zoned', 'noon', /as 2024-05-31 or 2024-05-31T12:30:00Z/],
    ['clock', '25:00', /write a time of day/],
    ['half', 1e6, /write a number that the type holds/],
    ['good', 'true', /write true or false/],
  ];
  t.match(
    cases.map(([column, condition]) =>
      thrownBy(() => compileWhere({ [column]: condition }, exactBatch.schema, 'x')),
    ),
    cases.map(
      ([column, , message]) => new RegExp(`^x: column "${column}": where: the column is .*${message.source}`),
    ),
  );
});

function thrownBy(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
}

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
