import { join } from 'node:path';
import t from 'tap';
import { helpFooter } from '../../../pipeline/arrow/footer-help.js';
import { goldenDir } from '../../fixtures/golden.js';
import { batchesOf, jsonOf } from '../../fixtures/parquet-rows.js';

const golden = (name: string) => join(goldenDir('types'), `${name}.parquet`);

t.test('dictionaries, views and units that the decoder lists but does not give', async (t) => {
  const { source, batches } = await batchesOf(golden('arrow'));
  const types = source.schema.fields.map(({ name, type }) => `${name}: ${String(type)}`);
  t.strictSame(types, [
    'docid: Utf8',
    'bool: Bool',
    'decimal: Decimal[5e+2]',
    'fixed: FixedSizeBinary[2]',
    'float16: Float16',
    'duration: Duration<MICROSECOND>',
    'zoned: Timestamp<MICROSECOND, Europe/Berlin>',
    'text: Dictionary<Int8, Utf8>',
    'int: Dictionary<Int8, Int64>',
    'date64: Date32<DAY>',
    'seconds: Timestamp<MILLISECOND, UTC>',
    'time32: Time32<MILLISECOND>',
    'view: Utf8',
  ]);
  t.equal(String(batches[0]!.schema), String(source.schema));
  const [, second, third] = jsonOf(batches);
  t.strictSame(second, {
    docid: 'b',
    bool: false,
    decimal: -2.5,
    fixed: 'Y2Q=',
    float16: 2,
    duration: 2,
    zoned: '2020-01-01T00:00:00.000000Z',
    text: 'y',
    int: 7,
    date64: '1970-01-02',
    seconds: '1970-01-01T00:00:02.000Z',
    time32: 2000,
    view: 'w',
  });
  t.strictSame(
    Object.entries(third!).flatMap(([name, value]) => (value === null ? [] : [name])),
    ['docid', 'view'],
  );
});

t.test('lists that are views cost no other column its type', async (t) => {
  const { batches } = await batchesOf(golden('list-view-beside'));
  t.strictSame(
    batches[0]!.schema.fields.map(({ type }) => String(type)),
    [
      'Utf8',
      'LargeList<Struct<{inner:List<Int8>}>>',
      'Duration<NANOSECOND>',
      'FixedSizeList[2]<Float32>',
      'Dictionary<Int8, Utf8>',
    ],
  );
});

t.test('an Arrow schema with types that nobody here knows', async (t) => {
  const { source, batches } = await batchesOf(golden('list-view'));
  t.match(String(source.schema), /list: List<Int64>/);
  t.strictSame(
    jsonOf(batches).map(({ list }) => list),
    [[1, 2], null, [], [3], [4]],
  );
});

t.test('a footer that is none', (t) => {
  t.throws(() => helpFooter(Buffer.from([0x15]), {}), RangeError);
  t.throws(() => helpFooter(Buffer.alloc(40, 0x1c), {}), RangeError);
  t.end();
});
