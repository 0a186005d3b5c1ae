import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  FixedSizeBinary,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  LargeUtf8,
  List,
  Null,
  Struct,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint8,
  Uint16,
  Uint64,
  Utf8,
  Utf8View,
} from 'apache-arrow';
import t from 'tap';
import { unifyFields, unifyTypes } from '../../../pipeline/arrow/unify.js';

const list = (type: DataType) => new List(new Field('item', type, true));
const words = (indices: Int8 | Int64): DataType =>
  indices instanceof Int8
    ? new Dictionary(new Utf8(), indices)
    : new Dictionary(new Utf8(), indices as never);

t.test('the type that holds both, whichever comes first', async (t) => {
  const cases: [DataType, DataType, string][] = [
    [new Null(), new Decimal(2, 10), 'Decimal[10e+2]'],
    [new Utf8(), new LargeUtf8(), 'Utf8'],
    [new LargeUtf8(), new LargeUtf8(), 'LargeUtf8'],
    [new Utf8View(), new Utf8View(), 'Utf8'],
    [words(new Int8()), new LargeUtf8(), 'Utf8'],
    [words(new Int8()), words(new Int8()), 'Dictionary<Int32, Utf8>'],
    [words(new Int8()), words(new Int64()), 'Dictionary<Int64, Utf8>'],
    [words(new Int8()), new Null(), 'Dictionary<Int8, Utf8>'],
    [new Int8(), new Uint8(), 'Int16'],
    [new Uint16(), new Int64(), 'Int64'],
    [new Uint64(), new Int8(), 'Decimal[20e0]'],
    [new Int16(), new Float16(), 'Float32'],
    [new Int32(), new Float32(), 'Float64'],
    [new Float16(), new Float64(), 'Float64'],
    [new Decimal(2, 5), new Int32(), 'Decimal[12e+2]'],
    [new Decimal(2, 5), new Float32(), 'Float64'],
    [new Decimal(20, 30), new Decimal(0, 30), 'Decimal[50e+20]'],
    [new DateDay(), new TimestampSecond(), 'Timestamp<MILLISECOND>'],
    [new TimestampSecond('UTC'), new TimestampNanosecond('Europe/Paris'), 'Timestamp<NANOSECOND, UTC>'],
    [new FixedSizeBinary(2), new FixedSizeBinary(3), 'Binary'],
    [list(new Null()), list(new Int32()), 'List<Int32>'],
  ];
  t.strictSame(
    cases.map(([a, b]) => [String(unifyTypes(a, b)), String(unifyTypes(b, a))]),
    cases.map(([, , both]) => [both, both]),
  );
});

t.test('what no type holds without changing it', async (t) => {
  const cases: [DataType, DataType][] = [
    [new Utf8(), new Int64()],
    [new Utf8(), new Binary()],
    [new Bool(), new Int8()],
    [new TimestampMillisecond(), new TimestampMillisecond('UTC')],
    [new DateDay(), new TimestampMillisecond('UTC')],
    [new Decimal(0, 76, 256), new Decimal(10, 76, 256)],
    [list(new Utf8()), new Utf8()],
    [list(new Utf8()), list(new Int8())],
    [new Struct([new Field('a', new Int8())]), new Int8()],
    [new Struct([new Field('a', new Int8())]), new Struct([new Field('a', new Utf8())])],
  ];
  t.strictSame(
    cases.flatMap(([a, b]) => [unifyTypes(a, b), unifyTypes(b, a)]),
    Array(20).fill(undefined),
  );
});

t.test('text that is JSON is no other text', async (t) => {
  const json = new Field('x', new Utf8(), true, new Map([['nag.json', 'true']]));
  const plain = new Field('x', new Utf8(), false);
  t.equal(unifyFields(json, plain), undefined);
  t.equal(unifyFields(json, json)?.metadata.get('nag.json'), 'true');
  t.equal(unifyFields(new Field('x', new Null(), true), json)?.metadata.get('nag.json'), 'true');
  t.equal(unifyFields(plain, plain)?.nullable, false);
  t.equal(unifyFields(plain, new Field('x', new Null()))?.nullable, true);
});
