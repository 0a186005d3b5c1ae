import t from 'tap';
import { allowedPerplexity, embed, type Method } from '../../../sinks/plot/embed.js';
import { sharedNeurons } from '../../../transforms/nag/overlap.js';
import { createTsne, divergence } from '../../../transforms/nag/tsne.js';
import { decode } from '../../fixtures/golden.js';
import { goldenNags, nagsGolden, trustworthiness } from '../../fixtures/nags-golden.js';

const { features, rows, layers, k, width } = goldenNags;
const info = { neurons: 'fwd_up', layers, k, width, model: '', tokenizer: '', maxLength: 120 } as const;
const labelled = {
  info,
  features,
  names: [],
  totals: [],
  labels: Int32Array.from(nagsGolden.labels),
  keys: [],
};
const usual: Method = { method: 'tsne', distance: 'nag', standardize: false, perplexity: 30, seed: 42 };
const { signal } = new AbortController();
const distances = sharedNeurons(features, rows, layers, k, width).map((shared) => 1 - shared / (layers * k));

function difference(found: ArrayLike<number>, expected: readonly number[], axis: number): number {
  const most = (sign: number) =>
    expected.reduce(
      (far, x, at) => (at % 2 === axis ? Math.max(far, Math.abs(found[at]! - sign * x)) : far),
      0,
    );
  return Math.min(most(1), most(-1));
}

/** Distances of rows of 10 values. */
function euclidean(values: Float64Array): Float64Array {
  return distances.map((_, at) => {
    const [i, j] = [Math.floor(at / rows), at % rows];
    return Math.hypot(...Array.from({ length: 10 }, (_, c) => values[i * 10 + c]! - values[j * 10 + c]!));
  });
}

for (const [name, options] of [
  ['nag', {}],
  ['indices', { distance: 'indices' }],
  ['standardized', { distance: 'indices', standardize: true }],
  ['standardized', { distance: 'indices', standardize: true, pca: 20 }],
] as const)
  t.test(`scikit-learn's PCA, up to sign: ${name} ${JSON.stringify(options)}`, async (t) => {
    const { points, shares } = await embed(labelled, { ...usual, ...options, method: 'pca' }, signal);
    const golden = nagsGolden.pca[name];
    for (const axis of [0, 1]) {
      t.ok(difference(points, golden.scores, axis) < 1e-6);
      if (!('pca' in options)) t.ok(Math.abs(shares![axis]! - golden.shares[axis]!) < 1e-9);
    }
  });

t.test("t-SNE of NAG distances is as good as scikit-learn's", async (t) => {
  const { points, perplexity } = await embed(labelled, usual, signal);
  t.equal(perplexity, 30);
  const golden = nagsGolden.tsne.nag;
  const found = divergence(createTsne(distances, rows, 30, points));
  t.ok(found < golden.divergence * 1.03, `divergence ${found}, expected ${golden.divergence}`);
  const trust = trustworthiness(distances, points, 10);
  t.ok(
    trust > golden.trustworthiness - 0.005,
    `trustworthiness ${trust}, expected ${golden.trustworthiness}`,
  );
});

t.test("t-SNE of indices is as good as scikit-learn's", async (t) => {
  const settings: Method = { ...usual, distance: 'indices', standardize: true, pca: 10 };
  const { points } = await embed(labelled, settings, signal);
  const golden = nagsGolden.tsne.indices;
  const reduced = euclidean(decode.float64(golden.values));
  const found = divergence(createTsne(reduced, rows, 30, points));
  t.ok(found < golden.divergence * 1.03, `divergence ${found}, expected ${golden.divergence}`);
  const trust = trustworthiness(reduced, points, 10);
  t.ok(trust > golden.trustworthiness - 0.01, `trustworthiness ${trust}, expected ${golden.trustworthiness}`);
});

t.test('equal documents lie together, and fewer rows allow less perplexity', async (t) => {
  const same = { ...labelled, features: new Uint16Array(8 * layers * k), labels: new Int32Array(8) };
  const { points, perplexity } = await embed(same, usual, signal);
  t.equal(perplexity, 5);
  t.ok(points.every(Number.isFinite));
  t.equal(allowedPerplexity(30, 80), 79 / 3);
  t.equal(allowedPerplexity(30, 1000), 30);
});

t.test('an interrupted run stops it', async (t) => {
  await t.rejects(embed(labelled, usual, AbortSignal.abort(new Error('stop'))), { message: 'stop' });
});
