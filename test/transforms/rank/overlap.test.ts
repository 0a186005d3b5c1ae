import t from 'tap';
import { overlapOf, overlapText } from '../../../transforms/rank/overlap.js';

t.test('documents in common and Jaccard, by hand', async (t) => {
  const overlap = overlapOf(['a', 'b', 'c'], [[0], [0, 1], [1, 0], [1]]);
  t.strictSame(overlap, {
    targets: ['a', 'b', 'c'],
    documents: [3, 3, 0],
    common: [
      [3, 2, 0],
      [2, 3, 0],
      [0, 0, 0],
    ],
    jaccard: [
      [1, 0.5, 0],
      [0.5, 1, 0],
      [0, 0, 1],
    ],
  });
  t.strictSame(overlapText(overlap, 'rank-2').split('\n'), [
    'Overlap of the selections of rank-2: documents in common (Jaccard)',
    '  target  documents  a         b         c',
    '  a               3  -         2 (0.50)  0 (0.00)',
    '  b               3  2 (0.50)  -         0 (0.00)',
    '  c               0  0 (0.00)  0 (0.00)  -',
  ]);
});

t.test('too many targets for a table', async (t) => {
  const names = Array.from({ length: 11 }, (_, i) => `target ${i}`);
  t.match(
    overlapText(overlapOf(names, [[0]]), 'rank'),
    /^[^\n]*11 targets, too many for a table[^\n]*nag\.overlap$/,
  );
});
