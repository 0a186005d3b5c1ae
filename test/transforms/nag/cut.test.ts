import t from 'tap';
import { createCut, cutPrefix, takeNext } from '../../../transforms/nag/cut.js';

function cutOf(tokens: readonly number[], budget: number) {
  const cut = createCut(budget);
  const taken = tokens.map((count) => takeNext(cut, count));
  return { ...cut, taken };
}

t.test('takes the longest prefix within the budget', async (t) => {
  t.match(cutOf([3, 4, 5], 7), {
    taken: [true, true, false],
    documents: 2,
    tokens: 7,
    ended: true,
    single: false,
  });
  t.match(cutOf([3, 4, 5], 100), { documents: 3, tokens: 12, ended: false });
  t.match(cutOf([3, 9, 1, 0], 7), { taken: [true, false, false, false], tokens: 3 });
  t.match(cutOf([0, 0, 1, 0], 0), { taken: [true, true, false, false], single: false });
  t.match(cutOf([], 5), { documents: 0, tokens: 0 });
});

t.test('takes one document where none fits', async (t) => {
  t.match(cutOf([8, 1, 0], 7), {
    taken: [true, false, false],
    documents: 1,
    tokens: 8,
    single: true,
    ended: true,
  });
});

t.test('a stream is read up to the first document that does not fit', async (t) => {
  for (const [budget, expected, reads] of [
    [5, ['a', 'b'], 3],
    [0, ['a'], 1],
    [99, ['a', 'b', 'c', 'd'], 4],
  ] as const) {
    let read = 0;
    let closed = false;
    async function* ranked() {
      try {
        for (const [id, tokens] of Object.entries({ a: 2, b: 3, c: 4, d: 0 })) {
          read++;
          yield { id, tokens };
        }
      } finally {
        closed = true;
      }
    }
    const cut = createCut(budget);
    const selected: string[] = [];
    for await (const { id } of cutPrefix(ranked(), cut)) selected.push(id);
    t.strictSame(selected, expected);
    t.equal(read, reads);
    t.equal(closed, true, 'and then closed');
    t.equal(cut.single, budget === 0);
  }
});

t.test('a budget is a number of at least 0', async (t) => {
  t.throws(() => createCut(-1), RangeError);
  t.throws(() => createCut(NaN), RangeError);
});
