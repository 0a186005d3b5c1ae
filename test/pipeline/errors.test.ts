import t from 'tap';
import { DataError } from '../../pipeline/errors.js';

t.test('a data error starts with its place', async (t) => {
  t.equal(
    new DataError({ file: 'a.parquet', row: 3, column: 'doc' }, 'expected text').message,
    'a.parquet: row 3, column "doc": expected text',
  );
  t.equal(new DataError({}, 'expected text').message, 'expected text');
});
