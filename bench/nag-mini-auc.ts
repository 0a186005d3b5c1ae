/**
 * How well nag-mini tells what belongs to a target, beside the same model with random weights and a bag of words: the
 * area under the ROC curve, for a science and a code target, on the suite's own documents and on a hundred real ones
 * (../shared/data/pool, left out where it is missing).
 *
 *   npm run bench:auc
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '../pipeline/table.js';
import { areaUnderCurve } from './auc/area.js';
import { ownDocuments, realDocuments } from './auc/documents.js';
import { type Distances, measure, type Target, targets, twinName } from './auc/measure.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const configs = join(root, 'configs');
const pool = join(root, '..', 'shared', 'data', 'pool');
const seeds = [1, 2, 3];

const sets = [
  { name: 'demo', documents: await ownDocuments(configs, 'demo') },
  { name: 'quickstart', documents: await ownDocuments(configs, 'quickstart') },
  ...(existsSync(pool) ? [{ name: 'real', documents: await realDocuments(pool) }] : []),
];
if (!existsSync(pool)) console.log(`NOT MEASURED: real documents, ${pool} is missing`);

const documents = sets.flatMap((set) => set.documents);
const folder = await mkdtemp(join(tmpdir(), 'nag-auc-'));
try {
  print(await measure(documents, configs, seeds, folder));
} finally {
  await rm(folder, { recursive: true, force: true });
}

function print(distances: Distances): void {
  const rows = targets.flatMap((target) => {
    let start = 0;
    const parts = sets.map(({ name, documents: own }) => {
      start += own.length;
      return { name, from: start - own.length, to: start };
    });
    return [...parts, { name: 'all', from: 0, to: start }].map(({ name, from, to }) => {
      const area = (method: string) => areaOf(distances.get(method)![target], target, from, to);
      const random = seeds.map((seed) => area(twinName(seed)));
      const mean = random.reduce((sum, value) => sum + value, 0) / random.length;
      const relevant = documents.slice(from, to).filter(({ category }) => category === target).length;
      return [
        target,
        name,
        `${relevant} of ${to - from}`,
        area('nag-mini').toFixed(3),
        `${mean.toFixed(3)} (${random.map((value) => value.toFixed(2)).join(', ')})`,
        area('bag of words').toFixed(3),
      ];
    });
  });
  console.log('Area under the ROC curve (1 is perfect, .5 is chance)');
  console.log(table(['target', 'documents', 'relevant', 'nag-mini', 'random weights', 'bag of words'], rows));
}

function areaOf(distances: readonly number[], target: Target, from: number, to: number): number {
  const relevant = documents.slice(from, to).map(({ category }) => category === target);
  return areaUnderCurve(distances.slice(from, to), relevant);
}
