import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  DurationSecond,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  LargeUtf8,
  List,
  Map_,
  Null,
  RecordBatch,
  Struct,
  TimeMillisecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint16,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import t from 'tap';
import { jsonRow } from '../../../pipeline/arrow/json-row.js';
import { withColumn } from '../../../pipeline/batch.js';
import { allSame } from '../../fixtures/all-same.js';
import { sampleBatches } from '../../fixtures/columns.js';
import { emptyBatches, recordBatch } from '../../fixtures/engine.js';

const text = new Utf8();
const list = (type: DataType) => new List(new Field('item', type, true));
const struct = (fields: Record<string, DataType>) =>
  new Struct(Object.entries(fields).map(([name, type]) => new Field(name, type, true)));
const entries = new Struct<{ key: Int32; value: Utf8 }>([
  new Field<Int32 | Utf8>('key', new Int32(), false),
  new Field<Int32 | Utf8>('value', text, true),
]);

function write(type: DataType, values: readonly unknown[]): string[] {
  const row = jsonRow(recordBatch({ x: [type, values] }));
  return values.map((_, i) => row(i).slice('{"x":'.length, -1));
}

t.test('values as JSON text', async (t) => {
  const cases: [string, DataType, unknown[], string[]][] = [
    ['text', text, ['a"\n\u{1F600}', '', null], ['"a\\"\\n\u{1F600}"', '""', 'null']],
    ['large text', new LargeUtf8(), ['a'], ['"a"']],
    ['dictionary', new Dictionary(text, new Int32()), ['a', null, 'b', 'a'], ['"a"', 'null', '"b"', '"a"']],
    ['bool', new Bool(), [true, false, null], ['true', 'false', 'null']],
    ['null', new Null(), [null], ['null']],
    [
      'int64 exactly',
      new Int64(),
      [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n],
      ['9223372036854775807', '-9223372036854775808', '9007199254740993'],
    ],
    ['uint64 exactly', new Uint64(), [2n ** 64n - 1n], ['18446744073709551615']],
    [
      'float',
      new Float64(),
      [0.1, 3, -0, 1e20, 1e21, 5e-324, Number.NaN, Infinity, null],
      ['0.1', '3.0', '-0.0', '100000000000000000000.0', '1e+21', '5e-324', 'null', 'null', 'null'],
    ],
    ['float32', new Float32(), [0.5], ['0.5']],
    ['date', new DateDay(), [new Date('1969-12-31'), null], ['"1969-12-31"', 'null']],
    ['date in ms', new DateMillisecond(), [new Date('2024-02-29')], ['"2024-02-29"']],
    ['time, duration', new TimeMillisecond(), [1500], ['1500']],
    ['duration', new DurationSecond(), [7n], ['7']],
    ['binary', new Binary(), [Uint8Array.of(0, 255), null], ['"AP8="', 'null']],
    ['fixed binary', new FixedSizeBinary(2), [Uint8Array.of(1, 2)], ['"AQI="']],
    ['list', list(list(new Int64())), [[[1n], null, []], null, []], ['[[1],null,[]]', 'null', '[]']],
    [
      'fixed list',
      new FixedSizeList(2, new Field('item', new Uint16(), true)),
      [[1, 2], null],
      ['[1,2]', 'null'],
    ],
    [
      'struct',
      struct({ a: text, toJSON: new Int64(), in: struct({ b: new Bool() }) }),
      [{ a: 'x', toJSON: 1n, in: { b: true } }, null, { a: null, toJSON: null, in: null }],
      ['{"a":"x","toJSON":1,"in":{"b":true}}', 'null', '{"a":null,"toJSON":null,"in":null}'],
    ],
    [
      'list of structs',
      list(struct({ role: text })),
      [[{ role: 'user' }, { role: null }]],
      ['[{"role":"user"},{"role":null}]'],
    ],
    [
      'map',
      new Map_(new Field('entries', entries, false)),
      [
        new Map([
          [1, 'a'],
          [2, 'b'],
        ]),
      ],
      ['{"1":"a","2":"b"}'],
    ],
  ];
  allSame(t, 'the text', (same) => {
    for (const [name, type, values, expected] of cases) same(write(type, values), expected, name);
  });
});

t.test('timestamps with all their digits, before 1970 too', async (t) => {
  const raw = (type: DataType, values: bigint[]) => {
    const column = vectorFromArray(
      values.map(() => 0),
      type,
    ).data[0]!;
    column.values.set(BigInt64Array.from(values));
    const row = jsonRow(new RecordBatch({ x: column }));
    return values.map((_, i) => row(i).slice('{"x":'.length, -1));
  };
  t.strictSame(raw(new TimestampSecond(), [0n, -1n]), ['"1970-01-01T00:00:00"', '"1969-12-31T23:59:59"']);
  t.strictSame(raw(new TimestampMillisecond('UTC'), [1n]), ['"1970-01-01T00:00:00.001Z"']);
  t.strictSame(raw(new TimestampMicrosecond('UTC'), [1_700_000_000_123_456n, -1n]), [
    '"2023-11-14T22:13:20.123456Z"',
    '"1969-12-31T23:59:59.999999Z"',
  ]);
  t.strictSame(raw(new TimestampNanosecond(), [1_700_000_000_123_456_789n]), [
    '"2023-11-14T22:13:20.123456789"',
  ]);
  t.strictSame(raw(new TimestampSecond(), [2n ** 60n]), [String(2n ** 60n)], 'beyond the calendar');
});

t.test('decimals with all their digits', async (t) => {
  const decimal = (scale: number, value: bigint) => {
    const words = new Uint32Array(
      BigInt64Array.of(BigInt.asIntN(64, value), BigInt.asIntN(64, value >> 64n)).buffer,
    );
    const column = vectorFromArray([words], new Decimal(scale, 38)).data[0]!;
    return jsonRow(new RecordBatch({ x: column }))(0);
  };
  t.equal(decimal(2, 1250n), '{"x":12.50}');
  t.equal(decimal(2, -5n), '{"x":-0.05}');
  t.equal(decimal(0, 10n ** 37n + 1n), `{"x":${10n ** 37n + 1n}}`);
});

t.test('features have the layout of the reference implementation', async (t) => {
  const type = new FixedSizeList(3, new Field('item', new Uint16(), false));
  const data = vectorFromArray([[7, 1, 65535]], type).data[0]!;
  const plain = { ...emptyBatches([1])[0]!, columns: recordBatch({ docid: [text, ['d']] }) };
  const made = withColumn(plain, 'fwd_up_feature', data, { metadata: new Map([['nag.neurons', 'fwd_up']]) });
  t.equal(jsonRow(made.columns)(0), '{"docid":"d","fwd_up_feature":{"layer_topk_value_index":[7,1,65535]}}');
  const own = withColumn(plain, 'fwd_up_feature', data);
  t.equal(
    jsonRow(own.columns)(0),
    '{"docid":"d","fwd_up_feature":[7,1,65535]}',
    'a column that is only called like that',
  );
});

t.test('text that was JSON goes out as that JSON', async (t) => {
  const data = vectorFromArray(['{"a":[1,2]}', null], text).data[0]!;
  const [batch] = emptyBatches([2]);
  const row = jsonRow(withColumn(batch!, 'x', data, { metadata: new Map([['nag.json', 'true']]) }).columns);
  t.strictSame([row(0), row(1)], ['{"x":{"a":[1,2]}}', '{"x":null}']);
});

t.test('every type that Arrow has is written as valid JSON, sliced or not, or refused by name', async (t) => {
  let written = 0;
  allSame(t, 'whole and sliced', (same) => {
    for (const { name, batch } of sampleBatches()) {
      const slice = batch.slice(5, 60);
      try {
        const whole = jsonRow(batch);
        const lines = Array.from({ length: batch.numRows }, (_, row) => whole(row));
        for (const line of lines) JSON.parse(line);
        const part = jsonRow(slice);
        const found = Array.from({ length: slice.numRows }, (_, row) => part(row));
        same(found, lines.slice(5, 60), name);
        written++;
      } catch (error) {
        const text = String(error);
        const refused = /column "x": .*(Union|Interval).* cannot be written as JSON/.test(text);
        same(refused || text, true, `${name}: refused by name`);
      }
    }
  });
  t.ok(written > 40, `${written} were written`);
});
