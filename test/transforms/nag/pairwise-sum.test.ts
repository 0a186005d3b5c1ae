import t from 'tap';
import { pairwiseSum } from '../../../transforms/nag/pairwise-sum.js';
import { randomIntegers } from './random.js';

/** NumPy 2.4: n, and np.sum of `values(n)`. */
const numpy: readonly (readonly [number, number])[] = [
  [1, 2.071594298972489e-5],
  [7, 0.00018077162693450028],
  [8, 2.1752896727461482e-5],
  [9, 3.107418909280388e-5],
  [16, 3.219383010109871e-5],
  [100, 0.0006345870616450228],
  [128, 0.0023436617210032236],
  [129, 0.0005259705468390761],
  [172, 0.0009526780872111416],
  [500, 0.002482559811312102],
  [1000, 0.008136106663636653],
  [3072, 0.03291368333696125],
  [6144, 0.10107539223098971],
  [11008, 0.14236631532631988],
];

function values(n: number): Float64Array {
  const random = randomIntegers(n);
  return Float64Array.from({ length: n }, () => 1 / (random(1_000_000) + 1));
}

t.test('rounds as NumPy does', async (t) => {
  for (const [n, sum] of numpy) {
    t.equal(pairwiseSum(values(n)), sum, `${n} values`);
    const embedded = new Float64Array(n + 9).fill(1e9);
    embedded.set(values(n), 5);
    t.equal(pairwiseSum(embedded, 5, n), sum, `${n} values within others`);
  }
  t.equal(pairwiseSum(new Float64Array(0)), 0);
});

t.test('which is not the order of a plain loop', async (t) => {
  const differing = numpy.filter(([n, sum]) => values(n).reduce((a, b) => a + b) !== sum);
  t.ok(differing.length >= 5, `${differing.length} of ${numpy.length} sums differ`);
});
