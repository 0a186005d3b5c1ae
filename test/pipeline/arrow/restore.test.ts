import { join } from 'node:path';
import t from 'tap';
import { invalidTexts } from '../../../pipeline/arrow/restore.js';
import { goldenDir } from '../../fixtures/golden.js';
import { batchesOf, jsonOf } from '../../fixtures/parquet-rows.js';

const golden = (name: string) => join(goldenDir('types'), `${name}.parquet`);

t.test('INT96 times of any year, also in lists', async (t) => {
  const { source, batches } = await batchesOf(golden('int96'));
  t.match(String(source.schema), /time: Timestamp<MICROSECOND>, 2: times: List<Timestamp<MICROSECOND>>/);
  const times = [
    '9999-12-31T23:59:59.999999',
    '0001-01-01T00:00:00.000000',
    null,
    '1960-05-05T01:02:03.000004',
    '2024-01-02T00:00:00.000000',
  ];
  t.strictSame(
    jsonOf(batches),
    times.map((time, i) => ({ docid: 'abcde'[i], time, times: time === null ? [] : [time] })),
  );
});

t.test('INT96 times in the other unit: never another value', async (t) => {
  await t.rejects(batchesOf(golden('int96-ns')), {
    name: 'DataError',
    message: /int96-ns\.parquet: row 0, column "time": has nanoseconds.*int96: ns/,
  });
  const { batches } = await batchesOf(golden('int96-ns'), undefined, 'ns');
  t.strictSame(
    jsonOf(batches).map(({ time }) => time),
    [
      '1970-01-01T00:00:00.000000001',
      '1970-01-01T00:00:00.000001001',
      null,
      '1969-12-31T23:59:59.999999999',
      '1970-01-01T00:00:00.000000000',
    ],
  );
  await t.rejects(batchesOf(golden('int96'), undefined, 'ns'), {
    message: /row 0, column "time": is a time that nanoseconds cannot hold.*int96: us/,
  });
});

t.test('text that is not valid is known by its row, in lists and dictionaries too', async (t) => {
  const { batches } = await batchesOf(golden('invalid-text'));
  t.strictSame(batches.map(invalidTexts), [
    [
      { row: 1, column: 'text' },
      { row: 1, column: 'tags' },
      { row: 2, column: 'site' },
      { row: 4, column: 'text' },
      { row: 4, column: 'tags' },
    ],
  ]);
  t.match(String(batches[0]!.schema), /text: Utf8, 2: site: Dictionary<Int64, Utf8>, 3: tags: List<Utf8>/);
  const { batches: others } = await batchesOf(golden('invalid-text'), ['docid']);
  t.strictSame(others.map(invalidTexts), [[]]);
});
