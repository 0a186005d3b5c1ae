import t from 'tap';
import { meanOverlap, selectionJaccard } from '../../../transforms/nag/sample-agreement.js';

t.test('overlap counts the neurons that both have, layer by layer, in any order', async (t) => {
  const shape = { documents: 2, layers: 2, k: 2, width: 10 };
  const a = Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  t.equal(meanOverlap(a, a, shape), 1);
  t.equal(meanOverlap(a, Int32Array.of(2, 1, 4, 3, 6, 5, 8, 7), shape), 1);
  t.equal(
    meanOverlap(a, Int32Array.of(3, 4, 1, 2, 5, 9, 7, 8), shape),
    3 / 8,
    'those of another layer do not count',
  );
  t.equal(meanOverlap(new Int32Array(0), new Int32Array(0), { ...shape, documents: 0 }), 1);
});

t.test('selections are those nearest to the profile of all', async (t) => {
  const shape = { documents: 4, layers: 1, k: 2, width: 10 };
  // 0 occurs three times, 1 twice: documents 0 and 1 have both, 2 has 0, and 3 is apart.
  const a = Int32Array.of(0, 1, 0, 1, 0, 5, 8, 9);
  t.equal(selectionJaccard(a, a, shape, 0.5), 1);
  const b = Int32Array.of(0, 1, 7, 6, 0, 1, 8, 9);
  t.equal(selectionJaccard(a, b, shape, 0.5), 1 / 3, '{0, 1} and {0, 2}');
  t.equal(selectionJaccard(a, b, shape, 0.01), 1, 'at least one');
});
