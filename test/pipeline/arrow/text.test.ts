import { Dictionary, Int8, Int32, LargeUtf8, Utf8, type Vector, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { isText, textReader } from '../../../pipeline/arrow/text.js';

const texts = ['', 'plain', null, '\ufeffmarked', 'é👩‍👩‍👧', '\u0000', null, 'plain'];
const all = (vector: Vector) => Array.from({ length: vector.length }, (_, row) => textReader(vector)(row));

for (const type of [new Utf8(), new LargeUtf8(), new Dictionary(new Utf8(), new Int8())])
  t.test(String(type), async (t) => {
    t.equal(isText(type), true);
    const vector = vectorFromArray(texts, type);
    t.same(all(vector), texts);
    t.same(all(vector.slice(3, 7)), texts.slice(3, 7), 'a slice');
    t.same(
      all(vector.slice(0, 2).concat(vector.slice(5))),
      [...texts.slice(0, 2), ...texts.slice(5)],
      'chunks',
    );
  });

t.test('other types are no text', async (t) => {
  t.equal(isText(new Int32()), false);
  t.equal(isText(new Dictionary(new Int32(), new Int32())), false);
});
