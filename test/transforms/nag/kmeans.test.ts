import t from 'tap';
import { agreement } from '../../../transforms/nag/agreement.js';
import { kmeans } from '../../../transforms/nag/kmeans.js';
import { sharedNeurons } from '../../../transforms/nag/overlap.js';
import { seededRandom } from '../../../transforms/nag/seeded-random.js';
import { goldenNags, nagsGolden } from '../../fixtures/nags-golden.js';

const golden = nagsGolden.kmeans;

t.test("scikit-learn's clusters of 0/1 vectors", async (t) => {
  const random = seededRandom(42);
  const starts = Array.from({ length: 10 }, () => kmeans(goldenNags, 5, random));
  const { clusters, inertia } = starts.sort((a, b) => a.inertia - b.inertia)[0]!;
  t.ok(Math.abs(inertia / golden.inertia - 1) < 1e-12, `inertia ${inertia}, expected ${golden.inertia}`);
  t.equal(agreement(golden.clusters, clusters).ari, 1, 'the same clusters, numbered otherwise');
});

t.test('inertia is what the distances between documents say', async (t) => {
  const { features, rows, layers, k, width } = goldenNags;
  const { clusters, inertia } = kmeans(goldenNags, 3, seededRandom(1));
  const shared = sharedNeurons(features, rows, layers, k, width);
  const sizes = [0, 1, 2].map((cluster) => clusters.filter((own) => own === cluster).length);
  let expected = 0;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < rows; j++)
      if (clusters[i] === clusters[j])
        // Σ|x − mean|² of a cluster is Σ over ordered pairs of 2·L·K·(1 − similarity), by twice its size.
        expected += (2 * (layers * k - shared[i * rows + j]!)) / (2 * sizes[clusters[i]!]!);
  t.ok(Math.abs(inertia / expected - 1) < 1e-12);
});

t.test('the same seed, the same clusters', async (t) => {
  const once = () => kmeans(goldenNags, 7, seededRandom(3));
  t.strictSame(once(), once());
});

t.test('fewer different documents than clusters', async (t) => {
  const features = Uint16Array.from([0, 1, 0, 1, 2, 3, 2, 3]);
  const { clusters, inertia } = kmeans({ features, rows: 4, layers: 1, k: 2, width: 4 }, 4, seededRandom(1));
  t.equal(inertia, 0);
  t.equal(clusters[0], clusters[1]);
  t.equal(clusters[2], clusters[3]);
  t.not(clusters[0], clusters[2]);
});

t.test('as many different documents as clusters: none is empty', async (t) => {
  const features = Uint16Array.from({ length: 12 }, (_, i) => i);
  const nags = { features, rows: 12, layers: 1, k: 1, width: 12 };
  const { clusters, inertia } = kmeans(nags, 12, seededRandom(5));
  t.equal(new Set(clusters).size, 12);
  t.equal(inertia, 0);
});
