import t from 'tap';
import { principal } from '../../../sinks/plot/principal.js';
import { sharedNeurons } from '../../../transforms/nag/overlap.js';
import { normal, seededRandom } from '../../../transforms/nag/seeded-random.js';
import { goldenNags, nagsGolden } from '../../fixtures/nags-golden.js';

const { features, rows, layers, k, width } = goldenNags;

/** Whether two tables [n × 2] are equal but for the signs of columns. */
function sameUpToSign(found: Float64Array, expected: readonly number[], within: number): boolean {
  return [0, 1].every((axis) => {
    const difference = (sign: number) =>
      found.reduce(
        (most, x, at) => (at % 2 === axis ? Math.max(most, Math.abs(x - sign * expected[at]!)) : most),
        0,
      );
    return Math.min(difference(1), difference(-1)) <= within;
  });
}

t.test("scikit-learn's PCA of 0/1 vectors", async (t) => {
  const { scores, shares } = principal(sharedNeurons(features, rows, layers, k, width), rows, 2);
  const golden = nagsGolden.pca.nag;
  t.ok(sameUpToSign(scores, golden.scores, 1e-9));
  for (const axis of [0, 1]) t.ok(Math.abs(shares[axis]! - golden.shares[axis]!) < 1e-12);
});

t.test('all components give the distances back', async (t) => {
  const n = 30;
  const draw = normal(seededRandom(4));
  const values = Array.from({ length: n }, () => Array.from({ length: 12 }, draw));
  const gram = Float64Array.from({ length: n * n }, (_, at) =>
    values[Math.floor(at / n)]!.reduce((sum, x, i) => sum + x * values[at % n]![i]!, 0),
  );
  const { scores, shares } = principal(gram, n, n);
  const square = (i: number, j: number, of: (row: number) => ArrayLike<number>) =>
    Array.from(of(i)).reduce((sum, x, at) => sum + (x - of(j)[at]!) ** 2, 0);
  for (let i = 1; i < n; i++) {
    const found = square(0, i, (row) => scores.subarray(row * n, (row + 1) * n));
    t.ok(Math.abs(found - square(0, i, (row) => values[row]!)) < 1e-9);
  }
  t.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-12);
  t.ok(
    shares.slice(12).every((share) => share === 0),
    'no more axes than the rows have',
  );
});

t.test('axes of equal variance are all found', async (t) => {
  // Three groups of equal rows, all at right angles: two axes share the variance.
  const n = 30;
  const gram = Float64Array.from({ length: n * n }, (_, at) =>
    Math.floor(at / n) % 3 === (at % n) % 3 ? 1 : 0,
  );
  const { shares, scores } = principal(gram, n, 3);
  for (const [axis, share] of [0.5, 0.5, 0].entries()) t.ok(Math.abs(shares[axis]! - share) < 1e-12);
  const apart = Math.hypot(...[0, 1].map((axis) => scores[axis]! - scores[3 + axis]!));
  t.ok(Math.abs(apart - Math.SQRT2) < 1e-9);
});

t.test('rows that are all alike have no axis, two rows have one', async (t) => {
  const same = principal(new Float64Array(25).fill(3), 5, 2);
  t.ok(same.scores.every((x) => x === 0));
  t.strictSame([...same.shares], [0, 0]);
  const two = principal(Float64Array.from([4, 0, 0, 4]), 2, 3);
  t.ok(Math.abs(two.scores[0]! - two.scores[3]!) - Math.sqrt(8) < 1e-12);
  t.strictSame([...two.shares.slice(1)], [0, 0]);
});
