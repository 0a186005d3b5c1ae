import { Dictionary, Int8, Int32, RecordBatch, Utf8 } from 'apache-arrow';
import t from 'tap';
import { concatBatches } from '../../../pipeline/arrow/concat.js';
import { allSame } from '../../fixtures/all-same.js';
import { batchOf, dataOf, sampleBatches, throughIpc, values } from '../../fixtures/columns.js';

for (const { name, batch } of sampleBatches()) {
  allSame(t, `joins ${name}`, (same) => {
    const cuts = [0, 13, 14, 14, 77, batch.numRows];
    const slices = cuts.slice(1).map((end, index) => batch.slice(cuts[index]!, end));
    const joined = concatBatches(slices);
    same(values(joined), values(batch), 'slices of one batch');
    same(values(throughIpc(joined)), values(batch), 'and the buffers are well-formed');
    const read = [throughIpc(batch.slice(20, 90)), batch, throughIpc(batch.slice(3, 4))];
    same(
      values(concatBatches(read)),
      read.flatMap(values),
      'batches with buffers and dictionaries of their own',
    );
    same(values(concatBatches([batch.slice(0, 0)])), [], 'no rows');
  });
}

t.test('parts with and without nulls', async (t) => {
  const parts = [
    [1, 2, 3],
    [null, 5],
    [6, null],
  ].map((cells) => batchOf(dataOf(new Int32(), cells)));
  t.same(values(concatBatches(parts)), ['1', '2', '3', 'null', '5', '6', 'null']);
});

t.test('different dictionaries become one, with equal values once', async (t) => {
  const type = new Dictionary(new Utf8(), new Int32());
  const parts = [['b', 'a', 'b'], ['c', null, 'a'], ['a']].map((cells) => batchOf(dataOf(type, cells)));
  const joined = concatBatches(parts);
  t.same(values(joined), ['"b"', '"a"', '"b"', '"c"', 'null', '"a"', '"a"']);
  t.equal(joined.data.children[0]?.dictionary?.length, 3);
});

t.test('more distinct values than the index can number is an error that names the column', async (t) => {
  const part = (from: number): RecordBatch =>
    batchOf(
      dataOf(
        new Dictionary(new Utf8(), new Int8()),
        Array.from({ length: 100 }, (_, row) => `${from + row}`),
      ),
    );
  t.same(concatBatches([part(0), part(28)]).numRows, 200, '128 of them fit');
  t.throws(() => concatBatches([part(0), part(29)]), {
    name: 'DataError',
    message: /column "x".*129 distinct/,
  });
});

t.test('batches of other schemas cannot be joined', async (t) => {
  const numbers = batchOf(dataOf(new Int32(), [1]));
  t.throws(() => concatBatches([numbers, batchOf(dataOf(new Utf8(), ['1']))]), {
    name: 'NagError',
    message: /expected column 0 to be "x" Int32, found "x" Utf8/,
  });
  t.throws(() => concatBatches([numbers, new RecordBatch({ y: dataOf(new Int32(), [1]) })]), /"y" Int32/);
  t.throws(() => concatBatches([]), { name: 'RangeError' });
});
