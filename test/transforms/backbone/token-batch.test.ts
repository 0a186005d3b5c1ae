import t from 'tap';
import { padBatch, unpadRows } from '../../../transforms/backbone/token-batch.js';

const limits = { vocabulary: 100, maxLength: 3 };
const batch = (ids: number[], lengths: number[]) => ({
  ids: Int32Array.from(ids),
  lengths: Int32Array.from(lengths),
});

t.test('documents become rows, padded on the right with their own last ids', async (t) => {
  const given = batch([5, 6, 7, 8, 99, 0], [2, 1, 3]);
  const padded = padBatch(given, limits);
  t.same([...padded.ids], [5, 6, 6, 7, 7, 7, 8, 99, 0]);
  t.same([...padded.lengths], [2, 1, 3]);
  t.equal(padded.documents, 3);
  t.equal(padded.length, 3);
  t.not(padded.lengths.buffer, given.lengths.buffer, 'the caller keeps its arrays');
});

t.test('no documents are no rows', async (t) => {
  t.match(padBatch(batch([], []), limits), { documents: 0, length: 0 });
});

t.test('what the model must not see is refused, with the document and the value', async (t) => {
  const refused: readonly [ids: number[], lengths: number[], message: RegExp][] = [
    [[1], [1, 0], /^document 1 of a batch has 0 tokens, expected at least 1$/],
    [[1], [-1, 2], /^document 0 of a batch has -1 tokens/],
    [[1, 2, 3, 4, 5], [1, 4], /^document 1 of a batch has 4 tokens, expected at most 3$/],
    [[1, 2], [1], /a batch has 2 ids, but its lengths add up to 1/],
    [[1], [2], /a batch has 1 ids, but its lengths add up to 2/],
    [[1, 2, 100], [2, 1], /^document 1 of a batch has token id 100, but the model's vocabulary ends at 99/],
    [[1, -1, 2], [2, 1], /^document 0 of a batch has token id -1/],
    [[1, 2, 3, 4, 5, -7], [2, 1, 3], /^document 2 of a batch has token id -7/],
  ];
  for (const [ids, lengths, message] of refused) {
    t.throws(() => padBatch(batch(ids, lengths), limits), { name: 'NagError', message });
  }
});

t.test('values of tokens go back to their documents, without the last of each', async (t) => {
  const padded = Float32Array.of(1, 2, 0, 3, 0, 0, 4, 5, 6);
  t.same(
    unpadRows(padded, Int32Array.of(2, 1, 3)).map((own) => [...own]),
    [[1], [], [4, 5]],
  );
  t.same(unpadRows(undefined, new Int32Array(0)), []);
});
