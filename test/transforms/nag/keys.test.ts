import t from 'tap';
import { compareBytes, docidBytes } from '../../../transforms/nag/docid.js';
import { decodeKey, encodeKey, type RankKey } from '../../../transforms/nag/keys.js';
import { randomIntegers } from './random.js';

const distances = [-Infinity, -1e300, -1, -5e-324, 0, 5e-324, 1e-9, 0.1, 0.1 + 2 ** -56, 1, 1e300, Infinity];
const docids = [
  '',
  '\0',
  '\0\0',
  '\0a',
  '\u0001',
  'a',
  'a\0',
  'a\0b',
  'a\u0001',
  'aa',
  'b',
  'é',
  'ÿ',
  '漢',
  '😀',
];
const orders = [0, 1, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

t.test('keys sort as (distance, docid, order), whatever the tokens, and come back', async (t) => {
  const sorted: RankKey[] = [];
  const random = randomIntegers(3);
  for (const distance of distances)
    for (const docid of docids)
      for (const order of orders)
        sorted.push({ distance, docid: docidBytes(docid), tokens: random(2 ** 32), order });
  const keys = sorted.map((key) => encodeKey(key.distance, key.docid, key.tokens, key.order));
  let wrong = 0;
  for (let i = 1; i < keys.length; i++) if (compareBytes(keys[i - 1]!, keys[i]!) >= 0) wrong++;
  t.equal(wrong, 0, 'each key is less than the next');
  t.strictSame(keys.map(decodeKey), sorted);
});

t.test('a key can lie anywhere in a buffer', async (t) => {
  const key = encodeKey(0.25, docidBytes('x\0y'), 17, 2 ** 40 + 3);
  const buffer = new Uint8Array(key.length + 9).fill(7);
  buffer.set(key, 5);
  t.strictSame(decodeKey(buffer.subarray(5, 5 + key.length)), {
    distance: 0.25,
    docid: docidBytes('x\0y'),
    tokens: 17,
    order: 2 ** 40 + 3,
  });
});

t.test('equal keys are equal bytes', async (t) => {
  t.strictSame(encodeKey(-0, null, 1, 2), encodeKey(0, new Uint8Array(0), 1, 2));
});

t.test('refuses what cannot be ranked', async (t) => {
  t.throws(() => encodeKey(NaN, null, 0, 0), RangeError);
  t.throws(() => encodeKey(0, null, 2 ** 32, 0), RangeError);
  t.throws(() => encodeKey(0, null, 0, -1), RangeError);
});
