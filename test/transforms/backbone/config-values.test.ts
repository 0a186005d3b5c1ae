import t from 'tap';
import {
  count,
  flag,
  isObject,
  list,
  optional,
  positive,
  section,
} from '../../../transforms/backbone/config-values.js';

const config = (values: Record<string, unknown>) => ({ file: 'config.json', path: '', values });

t.test('null and missing are the same', async (t) => {
  t.equal(optional(config({ a: null }), 'a'), undefined);
  t.equal(optional(config({}), 'a'), undefined);
  t.equal(optional(config({ a: 0 }), 'a'), 0);
  t.equal(count(config({ a: null }), 'a', 3), 3);
  t.equal(flag(config({ a: null }), 'a'), false);
  t.equal(list(config({ a: null }), 'a'), undefined);
  t.equal(section(config({ a: null }), 'a'), undefined);
  t.equal(section(config({ a: {} }), 'a'), undefined, 'and an empty object, too');
});

t.test('values are narrowed, or refused with their path', async (t) => {
  t.equal(count(config({ a: 7 }), 'a', 3), 7);
  t.equal(positive(config({ a: 0.5 }), 'a'), 0.5);
  t.throws(
    () => count(config({ a: 0 }), 'a', 3),
    /config\.json: "a": expected a whole number of at least 1, found 0/,
  );
  t.throws(() => count(config({ a: 1.5 }), 'a', 3), /found 1\.5/);
  t.throws(() => count(config({ a: '7' }), 'a', 3), /found "7"/);
  t.throws(() => positive(config({}), 'a'), /expected a number above 0, found nothing/);
  t.throws(() => positive(config({ a: -1 }), 'a', 1), /found -1/);
  t.throws(() => flag(config({ a: 'no' }), 'a'), /expected true or false, found "no"/);
  t.throws(() => list(config({ a: {} }), 'a'), /expected a list/);
  t.throws(() => section(config({ a: [1] }), 'a'), /expected an object, found \[1\]/);
  const inner = section(config({ rope: { factor: 'x' } }), 'rope');
  t.throws(() => positive(inner!, 'factor'), {
    name: 'DataError',
    message: /^config\.json: "rope\.factor": expected/,
  });
});

t.test('arrays and null are no objects', async (t) => {
  t.same([{}, [], null, 'x', 1].map(isObject), [true, false, false, false, false]);
});
