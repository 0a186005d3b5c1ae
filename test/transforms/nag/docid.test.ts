import t from 'tap';
import { compareBytes, docidBytes, docidEncoder } from '../../../transforms/nag/docid.js';

t.test('strings sort by code point, not by UTF-16 unit', async (t) => {
  const sorted = [
    '',
    '\0',
    '0',
    '10',
    '9',
    'A',
    'a',
    'aa',
    'b',
    'é',
    '\u0800',
    '漢',
    '\uffee',
    '😀',
    '\u{10ffff}',
  ];
  t.strictSame(
    [...sorted].reverse().sort((a, b) => compareBytes(docidBytes(a), docidBytes(b))),
    sorted,
  );
  t.ok('\uffee' > '😀', 'JavaScript itself would sort these two the other way');
});

t.test('integers sort by value, as bigints and as numbers', async (t) => {
  const sorted = [
    -(2n ** 63n),
    -(2n ** 53n),
    -(2n ** 32n) - 1n,
    -(2n ** 32n),
    -(2n ** 31n),
    -1n,
    0n,
    1n,
    9n,
    10n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n - 1n,
    2n ** 63n - 1n,
    2n ** 63n,
    2n ** 63n + 1n,
    2n ** 64n - 1n,
  ];
  t.strictSame(
    [...sorted].reverse().sort((a, b) => compareBytes(docidBytes(a), docidBytes(b))),
    sorted,
  );
  for (const value of sorted)
    if (Number.isSafeInteger(Number(value))) t.strictSame(docidBytes(Number(value)), docidBytes(value));
  t.equal(docidBytes(2n ** 63n - 1n).length, 8);
});

t.test('one encoder serves many docids', async (t) => {
  const encode = docidEncoder();
  const long = '漢'.repeat(1000);
  for (const docid of ['a', long, '', 5, -5n, 2n ** 64n - 1n, 'b'])
    t.strictSame(encode(docid).slice(), docidBytes(docid));
  t.equal(new TextDecoder().decode(encode(long)), long);
});

t.test('refuses what is no docid', async (t) => {
  t.throws(() => docidBytes(1.5), RangeError);
  t.throws(() => docidBytes(2 ** 53), RangeError);
  t.throws(() => docidBytes(2n ** 64n), RangeError);
  t.throws(() => docidBytes(-(2n ** 63n) - 1n), RangeError);
});
