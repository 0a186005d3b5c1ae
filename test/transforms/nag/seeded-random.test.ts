import t from 'tap';
import { normal, seededRandom } from '../../../transforms/nag/seeded-random.js';

t.test('the published numbers of mulberry32 with seed 1', async (t) => {
  const random = seededRandom(1);
  t.strictSame(
    [random(), random(), random()].map((x) => x * 2 ** 32),
    [2693262067, 11749833, 2265367787],
  );
});

t.test('uniform and normal moments', async (t) => {
  const count = 100_000;
  const moments = (draw: () => number) => {
    const values = Array.from({ length: count }, draw);
    const mean = values.reduce((sum, x) => sum + x, 0) / count;
    return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count };
  };
  const uniform = moments(seededRandom(-5));
  t.ok(Math.abs(uniform.mean - 1 / 2) < 0.005 && Math.abs(uniform.variance - 1 / 12) < 0.002);
  const gaussian = moments(normal(seededRandom(42)));
  t.ok(Math.abs(gaussian.mean) < 0.02 && Math.abs(gaussian.variance - 1) < 0.02);
});
