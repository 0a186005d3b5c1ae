import t from 'tap';
import { describeValue } from '../../pipeline/describe-value.js';

t.test('values are shown short', async (t) => {
  t.equal(describeValue('x'.repeat(200)).length, 78);
  t.equal(describeValue('a"b'), '"a\\"b"');
  t.equal(describeValue(1.5), '1.5');
  t.equal(describeValue(undefined), 'undefined');
  t.equal(describeValue(null), 'nothing (null)');
  t.equal(describeValue([1, 2]), 'a list of 2');
  t.equal(describeValue({}), 'a mapping with no keys');
  t.equal(describeValue({ a: 1, b: 2 }), 'a mapping with a, b');
});
