import {
  Bool,
  type DataType,
  DateMillisecond,
  Dictionary,
  Field,
  Int32,
  IntervalDayTime,
  IntervalMonthDayNano,
  List,
  Schema,
  Struct,
  TimestampSecond,
  Union,
  Utf8,
} from 'apache-arrow';
import t from 'tap';
import { cannotCarry } from '../../../pipeline/arrow/parquet-types.js';

t.test('columns that Parquet has no place for are found by their types', (t) => {
  const column = (name: string, type: DataType) => new Field(name, type, true);
  const schema = new Schema([
    column('text', new Utf8()),
    column('day', new DateMillisecond()),
    column('second', new TimestampSecond()),
    column('span', new IntervalDayTime()),
    column('flags', new Dictionary(new Bool(), new Int32())),
    column('mixed', new Union(0, [], [])),
    column('spans', new List(new Field('item', new IntervalMonthDayNano()))),
    column('nothing', new Struct([])),
    column('days', new Dictionary(new DateMillisecond(), new Int32())),
  ]);
  const found = cannotCarry(schema);
  t.strictSame(
    found.map(({ column }) => column),
    ['mixed', 'spans', 'nothing', 'days'],
  );
  t.match(
    found[1]!.reason,
    /has the type Interval<MONTH_DAY_NANO>, inside of List<.*leave it out with columns/,
  );
  t.end();
});
