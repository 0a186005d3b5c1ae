import t from 'tap';
import { DataError, refusalText } from '../../pipeline/errors.js';

t.test('a data error starts with its place', async (t) => {
  t.equal(
    new DataError({ file: 'a.parquet', row: 3, column: 'doc' }, 'expected text').message,
    'a.parquet: row 3, column "doc": expected text',
  );
  t.equal(new DataError({}, 'expected text').message, 'expected text');
});

t.test('what the operating system refuses, in words', async (t) => {
  const refusal = (code: string) =>
    Object.assign(new Error(`${code}: as Node says it`), { code, syscall: 'open' });
  t.strictSame(
    [
      refusalText(refusal('EACCES'), '/out'),
      refusalText(refusal('ENOENT')),
      refusalText(refusal('EIO')),
      refusalText(new Error('EACCES of another kind')),
    ],
    [
      'permission denied for this user (/out)',
      'there is no such file or folder',
      'EIO: as Node says it',
      'EACCES of another kind',
    ],
  );
});
