import {
  type Data,
  type DataType,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  Float64,
  Int8,
  Int32,
  Int64,
  List,
  Null,
  Struct,
  TimestampMicrosecond,
  TimestampNanosecond,
  Uint64,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import t from 'tap';
import { convertData } from '../../../pipeline/arrow/convert.js';
import { unscaledReader } from '../../../pipeline/arrow/convert-numbers.js';
import { nullData } from '../../../pipeline/arrow/null-data.js';

const data = (values: readonly unknown[], type: DataType): Data => vectorFromArray(values, type).data[0]!;
const cells = (column: Data) =>
  [...new Vector([column])].map((cell) => (cell?.toJSON ? cell.toJSON() : cell));
const struct = new Struct([new Field('a', new Utf8(), true)]);
const words = new Dictionary(new Utf8(), new Int8());

t.test('parts of columns: nulls and offsets that do not begin at a byte', async (t) => {
  const slice = (column: Data) => column.slice(3, 4);
  const ints = data([0, 1, null, 3, null, 5, 6, 7, 8], new Int32());
  const texts = data(['a', 'b', 'c', 'd', null, 'f', 'g', 'h'], words);
  const lists = data(
    [[1], [2], [3], [4], null, [5, 6], [], [7]],
    new List(new Field('item', new Int32(), true)),
  );
  t.strictSame(cells(convertData(slice(ints), new Int64())), [3n, null, 5n, 6n]);
  t.strictSame(cells(convertData(slice(texts), new Utf8())), ['d', null, 'f', 'g']);
  t.strictSame(cells(convertData(slice(texts), new Dictionary(new Utf8(), new Int32()))), [
    'd',
    null,
    'f',
    'g',
  ]);
  t.strictSame(
    cells(convertData(slice(lists), new List(new Field('item', new Float64(), true)))).map(
      (list) => list && [...list],
    ),
    [[4], null, [5, 6], []],
  );
});

t.test('decimals and 64-bit integers keep every digit', async (t) => {
  const unscaled = (column: Data) =>
    Array.from({ length: column.length }, (_, row) => unscaledReader(column)(row));
  t.strictSame(unscaled(convertData(data([2n ** 64n - 1n, 0n], new Uint64()), new Decimal(0, 20, 128))), [
    2n ** 64n - 1n,
    0n,
  ]);
  t.strictSame(unscaled(convertData(data([-1n, 7n], new Int64()), new Decimal(2, 40, 256))), [-100n, 700n]);
});

t.test('values that the other type does not hold', async (t) => {
  const refused = (values: readonly unknown[], from: DataType, to: DataType) => () =>
    convertData(data(values, from), to);
  const message = (text: RegExp) => ({ name: 'NagError', message: text });
  t.throws(
    refused([2n ** 53n + 1n], new Int64(), new Float64()),
    message(/^9007199254740993 \(Int64\) has no exact place in Float64/),
  );
  t.throws(
    () =>
      convertData(
        new Vector([data([0], new TimestampMicrosecond())]).data[0]!.clone(
          new TimestampMicrosecond(),
          0,
          1,
          0,
          [undefined, BigInt64Array.of(2n ** 62n)] as never,
        ),
        new TimestampNanosecond(),
      ),
    message(/4611686018427387904 .* has no exact place/),
  );
  t.strictSame(cells(convertData(data([new Date('2024-02-29')], new DateMillisecond()), new DateDay())), [
    Date.parse('2024-02-29'),
  ]);
});

t.test('columns of nulls, of any type', async (t) => {
  const types = [
    new Null(),
    new Utf8(),
    words,
    struct,
    new List(new Field('item', struct, true)),
    new Decimal(1, 5),
    new Int64(),
  ];
  t.strictSame(
    types.map((type) => cells(nullData(type, 3))),
    Array(7).fill([null, null, null]),
  );
  t.strictSame(
    types.map((type) => cells(nullData(type, 0))),
    Array(7).fill([]),
  );
  t.strictSame(cells(convertData(nullData(new Null(), 2), words)), [null, null]);
});
