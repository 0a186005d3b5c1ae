import { join } from 'node:path';
import {
  Data,
  type DataType,
  DateMillisecond,
  Field,
  IntervalDayTime,
  IntervalYearMonth,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimeSecond,
  TimestampSecond,
} from 'apache-arrow';
import t, { type Test } from 'tap';
import { writeParquet } from '../../../pipeline/arrow/parquet-writer.js';
import { batchesOf, jsonOf } from '../../fixtures/parquet-rows.js';

/** The type and values of a column x after it was written and read. */
async function written(t: Test, type: DataType, data: Int32Array | BigInt64Array): Promise<unknown[]> {
  const path = join(t.testdir(), 'out.parquet');
  const length = rowsOf(type, data);
  const field = new Field('x', type, true);
  const column = makeData({ type, length, data } as Parameters<typeof makeData>[0]);
  const batch = new RecordBatch(
    new Schema([field]),
    new Data(new Struct([field]), 0, length, 0, {}, [column]),
  );
  async function* one() {
    yield batch;
  }
  await writeParquet(path, batch.schema, one(), { compression: 'zstd', rowGroupRows: 10, metadata: {} });
  const { source, batches } = await batchesOf(path);
  return [String(source.schema.fields[0]!.type), ...jsonOf(batches).map(({ x }) => x)];
}

/** A day-time interval is two numbers. */
function rowsOf(type: DataType, data: Int32Array | BigInt64Array): number {
  return type instanceof IntervalDayTime ? data.length / 2 : data.length;
}

t.test('intervals are written as months, days and milliseconds', async (t) => {
  t.strictSame(
    [
      await written(t, new IntervalDayTime(), Int32Array.of(3, 4000)),
      await written(t, new IntervalYearMonth(), Int32Array.of(27)),
    ],
    [
      ['FixedSizeBinary[12]', 'P0M3DT4S'],
      ['FixedSizeBinary[12]', 'P27M0DT0S'],
    ],
  );
});

t.test('units that Parquet lacks become the next that it has', async (t) => {
  t.strictSame(
    [
      await written(t, new DateMillisecond(), BigInt64Array.of(0n, -86_400_000n)),
      await written(t, new TimestampSecond(), BigInt64Array.of(1n, -1n)),
      await written(t, new TimeSecond(), Int32Array.of(1)),
    ],
    [
      ['Date32<DAY>', '1970-01-01', '1969-12-31'],
      ['Timestamp<MILLISECOND>', '1970-01-01T00:00:01.000', '1969-12-31T23:59:59.000'],
      ['Time32<MILLISECOND>', 1000],
    ],
  );
});

t.test('a value that would change is refused', async (t) => {
  await t.rejects(written(t, new DateMillisecond(), BigInt64Array.of(0n, 1000n)), {
    message: /column "x": row 1 of a batch: 1000 ms is no whole day/,
  });
  await t.rejects(written(t, new TimestampSecond(), BigInt64Array.of(2n ** 62n)), {
    message: /is no time that milliseconds can hold/,
  });
});
