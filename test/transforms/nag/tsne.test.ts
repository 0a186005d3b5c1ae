import t from 'tap';
import { sharedNeurons } from '../../../transforms/nag/overlap.js';
import { normal, seededRandom } from '../../../transforms/nag/seeded-random.js';
import { createTsne, divergence, stepTsne, type Tsne } from '../../../transforms/nag/tsne.js';
import { decode } from '../../fixtures/golden.js';
import { goldenNags, nagsGolden, trustworthiness } from '../../fixtures/nags-golden.js';

const { features, rows, layers, k, width } = goldenNags;
const distances = sharedNeurons(features, rows, layers, k, width).map((shared) => 1 - shared / (layers * k));
const golden = nagsGolden.tsne.nag;

function run(tsne: Tsne): Tsne {
  while (tsne.steps < 1000) stepTsne(tsne);
  return tsne;
}

t.test("scikit-learn's affinities and first steps", async (t) => {
  const { affinities, start, points } = nagsGolden.first_steps;
  const tsne = createTsne(distances, rows, 30, decode.float64(start));
  const apart = (a: ArrayLike<number>, b: Float64Array) =>
    b.reduce((most, x, i) => Math.max(most, Math.abs(x - a[i]!)), 0);
  t.ok(
    apart(
      tsne.affinities.filter((_, pair) => pair % 10 === 0),
      decode.float64(affinities),
    ) < 1e-12,
  );
  while (tsne.steps < 20) stepTsne(tsne);
  t.ok(apart(tsne.points, decode.float64(points)) < 1e-7);
});

t.test("the divergence and trustworthiness of scikit-learn's own points", async (t) => {
  const tsne = createTsne(distances, rows, 30, Float64Array.from(golden.points));
  // Its points are float32, and its affinities are found to 1e-5 of an entropy.
  t.ok(Math.abs(divergence(tsne) - golden.divergence) < 1e-4);
  // NAG distances tie, and scikit-learn orders ties anyhow.
  t.ok(Math.abs(trustworthiness(distances, golden.points, 10) - golden.trustworthiness) < 0.002);
});

t.test('as good as scikit-learn, from a random start too', async (t) => {
  const draw = normal(seededRandom(42));
  const start = new Float64Array(2 * rows).map(() => 1e-4 * draw());
  const tsne = run(createTsne(distances, rows, 30, start));
  t.ok(divergence(tsne) < golden.divergence * 1.1, `divergence ${divergence(tsne)}`);
  const trust = trustworthiness(distances, tsne.points, 10);
  t.ok(trust > golden.trustworthiness - 0.01, `trustworthiness ${trust}`);
  t.strictSame(run(createTsne(distances, rows, 30, start)).points, tsne.points, 'and always the same');
});

t.test('affinities have the perplexity asked for', async (t) => {
  const n = 40;
  const draw = seededRandom(3);
  const line = Array.from({ length: n }, () => 1e4 * draw());
  const far = Float64Array.from({ length: n * n }, (_, at) =>
    Math.abs(line[Math.floor(at / n)]! - line[at % n]!),
  );
  const { affinities } = createTsne(far, n, 5, new Float64Array(2 * n));
  t.ok(affinities.every((p) => p > 0 && p < 1));
  t.ok(Math.abs(2 * affinities.reduce((sum, p) => sum + p, 0) - 1) < 1e-9);
});

t.test('documents that are all alike, and two that are one', async (t) => {
  const same = createTsne(new Float64Array(64), 8, 5, new Float64Array(16));
  t.ok(same.affinities.every((p) => Math.abs(p - 1 / 56) < 1e-12));
  t.ok(
    run(same).points.every((x) => x === 0),
    'nothing pulls or pushes',
  );
  const start = new Float64Array(2 * rows).map((_, at) => 1e-4 * Math.sin(at));
  const twins = distances.slice();
  for (let j = 0; j < rows; j++) {
    twins[rows + j] = twins[j]!;
    twins[j * rows + 1] = twins[j * rows]!;
  }
  twins[0] = twins[1] = twins[rows] = twins[rows + 1] = 0;
  const { points } = run(createTsne(twins, rows, 30, start));
  t.ok(points.every(Number.isFinite));
  t.ok(Math.hypot(points[0]! - points[2]!, points[1]! - points[3]!) < 2, 'twins are neighbours');
});
