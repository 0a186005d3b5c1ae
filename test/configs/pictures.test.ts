import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../fixtures/cli.js';
import { projectRoot } from '../fixtures/paths.js';

/** Runs a configuration of the project with its outputs in a folder of the test. */
async function runConfig(dir: string, name: string, ...args: string[]) {
  const folder = join(projectRoot, 'configs');
  const config = await readFile(join(folder, name), 'utf8');
  const here = config
    .replaceAll('../out/', `${join(dir, 'out')}/`)
    .replaceAll('model: nag-mini', `model: ${join(folder, 'nag-mini')}`)
    .replaceAll('path: quickstart/', `path: ${join(folder, 'quickstart')}/`);
  await writeFile(join(dir, name), here);
  return await runCli(['run', join(dir, name), ...args]);
}

t.test('plot.yaml draws the pool, and neighbours are of one category', async (t) => {
  const dir = t.testdir({});
  const { code, stderr } = await runConfig(dir, 'plot.yaml');
  t.equal(code, 0, stderr);
  t.strictSame((await readdir(join(dir, 'out'))).sort(), ['plot.png', 'plot.svg']);
  const svg = await readFile(join(dir, 'out', 'plot.svg'), 'utf8');
  const points = [...svg.matchAll(/translate\(([\d.]+) ([\d.]+)\)[^>]*><title>[^<]*: (\w+)<\/title>/g)].map(
    ([, x, y, category]) => ({ x: Number(x), y: Number(y), category }),
  );
  t.equal(points.length, 80);
  const alike = points.filter((point) => {
    const others = points.filter((other) => other !== point);
    const distance = ({ x, y }: { x: number; y: number }) => Math.hypot(x - point.x, y - point.y);
    return others.sort((a, b) => distance(a) - distance(b))[0]!.category === point.category;
  });
  t.ok(alike.length > 60, `${alike.length} of 80`);
});

t.test('plot.yaml with PCA', async (t) => {
  const dir = t.testdir({});
  const { code, stderr } = await runConfig(dir, 'plot.yaml', '--set', 'method=pca');
  t.equal(code, 0, stderr);
  t.match(await readFile(join(dir, 'out', 'plot.svg'), 'utf8'), /component 1 \(1\d\.\d % of variance\)/);
});

t.test('clusters.yaml measures how categories and clusters agree', async (t) => {
  const dir = t.testdir({});
  const { code, stdout, stderr } = await runConfig(dir, 'clusters.yaml');
  t.equal(code, 0, stderr);
  t.match(stdout, /80 documents, 5 labels, 5 clusters of their fwd_up NAGs \(6 layers × 10 neurons\)/);
  const found = JSON.parse(await readFile(join(dir, 'out', 'clusters.json'), 'utf8'));
  t.ok(found.purity > 0.6 && found.nmi > 0.6 && found.ari > 0.4, JSON.stringify(found));
});
