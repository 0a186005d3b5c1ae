import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { clusters } from '../../sinks/clusters.js';
import { agreement } from '../../transforms/nag/agreement.js';
import { runStages } from '../fixtures/engine.js';
import { labelledStages } from '../fixtures/labelled-pool.js';
import { goldenNags, nagsGolden } from '../fixtures/nags-golden.js';

const everything = [...Array(goldenNags.rows).keys()];
const scikit = agreement(nagsGolden.labels, nagsGolden.kmeans.clusters);

async function run(stages: ReturnType<typeof labelledStages>, options: Readonly<Record<string, unknown>>) {
  return await runStages([...stages, ['quality', clusters, { by: 'kind', ...options }]], { tempDir: '.' });
}

t.test("as many clusters as labels: scikit-learn's clusters and their scores", async (t) => {
  const path = join(t.testdir(), 'quality.json');
  const batches = [everything.slice(0, 50), [], everything.slice(50)];
  const { reports, stats, files } = await run(labelledStages(batches), { path });
  t.strictSame(files, [path]);
  t.equal(stats.get('quality')?.rowsOut, 120);
  const text = reports.join('\n');
  t.match(text, /120 documents, 5 labels, 5 clusters of their fwd_up NAGs \(4 layers × 8 neurons\)/);
  t.match(text, `${scikit.purity.toFixed(4)}  ${scikit.nmi.toFixed(4)}  ${scikit.ari.toFixed(4)}`);
  t.match(text, /cluster {2}rows {2}group 0 {2}group 1/);
  const written = JSON.parse(await readFile(path, 'utf8'));
  t.match(written, { neurons: 'fwd_up', rows: 120, clusters: 5, layers: 4, k: 8, ...scikit });
  t.ok(Math.abs(written.inertia / nagsGolden.kmeans.inertia - 1) < 1e-12);
  t.equal(
    written.counts.flat().reduce((sum: number, n: number) => sum + n, 0),
    120,
  );
  t.equal(written.labels.length, 5);
});

t.test('another number of clusters, without a file', async (t) => {
  const { reports, files } = await run(labelledStages([everything]), { clusters: 2, title: 'Two' });
  t.strictSame(files, []);
  t.match(reports.join('\n'), /^Two\n {2}120 documents, 5 labels, 2 clusters/);
});

t.test('the order of the rows does not matter', async (t) => {
  const one = await run(labelledStages([everything]), { clusters: 7, starts: 1 });
  const two = await run(labelledStages([[...everything].reverse()]), { clusters: 7, starts: 1 });
  t.strictSame(one.reports, two.reports);
});

t.test('many labels are not made a table', async (t) => {
  const { reports } = await run(
    labelledStages([everything], (n) => `label ${n % 13}`),
    { starts: 1 },
  );
  t.notMatch(reports.join('\n'), /cluster {2}rows/);
});

t.test('what cannot be clustered', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'quality.json');
  const error = new Error('broken');
  await t.rejects(
    run(
      labelledStages([everything], () => 'x'),
      { path },
    ),
    {
      message: /at least two different values of "kind", found one \("x"\)/,
    },
  );
  await t.rejects(run(labelledStages([everything.slice(0, 9)]), { clusters: 10, path }), {
    message: 'quality: expected at least as many rows as clusters (10), found 9',
  });
  await t.rejects(run(labelledStages([[]]), { path }), { message: /expected at least 2 rows/ });
  const failing = labelledStages([[1, 2], [3], [4]], undefined, { batch: 2, error });
  t.equal(await run(failing, { path }).catch((thrown: unknown) => thrown), error);
  t.strictSame(await readdir(dir), []);
});
