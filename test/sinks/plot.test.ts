import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { plot } from '../../sinks/plot.js';
import { allSame } from '../fixtures/all-same.js';
import { runStages } from '../fixtures/engine.js';
import { kindOfRow, labelledStages } from '../fixtures/labelled-pool.js';
import { goldenNags, nagsGolden } from '../fixtures/nags-golden.js';

const everything = [...Array(goldenNags.rows).keys()];

async function run(stages: ReturnType<typeof labelledStages>, options: Readonly<Record<string, unknown>>) {
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  const result = await runStages([...stages, ['plot', plot, { by: 'kind', ...options }]], {
    tempDir: '.',
    note,
  });
  return { ...result, notes };
}

t.test('PNG, SVG and points by the ending of the path', async (t) => {
  const dir = t.testdir();
  const path = ['a.png', 'b.svg', 'c.jsonl'].map((name) => join(dir, 'deep', name));
  const { files, stats } = await run(labelledStages([everything]), { path });
  t.strictSame(files, path);
  t.equal(stats.get('plot')?.rowsOut, 120);
  const png = await readFile(path[0]!);
  t.equal(png.subarray(1, 4).toString(), 'PNG');
  const svg = await readFile(path[1]!, 'utf8');
  t.match(svg, 'Documents by their neurons, coloured by kind</text>');
  t.match(
    svg,
    '120 documents · t-SNE of fwd_up NAGs, 4 layers × 8 neurons · distance: 1 − share of common neurons · perplexity 30',
  );
  t.equal(svg.match(/<title>/g)?.length, 120);
  const lines = (await readFile(path[2]!, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.equal(lines.length, 120);
  allSame(t, 'labels and places', (same) => {
    for (const { docid, label, x, y } of lines)
      same(
        { label, finite: [Number.isFinite(x), Number.isFinite(y)] },
        { label: kindOfRow(Number(docid)), finite: [true, true] },
        `document ${docid}`,
      );
  });
});

t.test('PCA: the axes say how much of the variance they have', async (t) => {
  const path = join(t.testdir(), 'pca.svg');
  await run(labelledStages([everything]), { path, method: 'pca', title: 'My documents' });
  const svg = await readFile(path, 'utf8');
  const [first, second] = nagsGolden.pca.nag.shares;
  t.match(svg, `component 1 (${(100 * first!).toFixed(1)} % of variance)`);
  t.match(svg, `component 2 (${(100 * second!).toFixed(1)} % of variance)`);
  t.match(svg, 'My documents</text>');
});

t.test('the subtitle says what was done to indices, so that the picture can be made again', async (t) => {
  const path = join(t.testdir(), 'indices.svg');
  await run(labelledStages([everything]), { path, distance: 'indices', standardize: true, pca: 10 });
  t.match(
    await readFile(path, 'utf8'),
    'distance: Euclidean, of standardized indices, PCA to 10 · perplexity 30',
  );
});

t.test('the same picture for any order and split', async (t) => {
  const dir = t.testdir();
  const [one, two] = [join(dir, 'one.svg'), join(dir, 'two.svg')];
  await run(labelledStages([everything]), { path: one, per_label: 10 });
  await run(labelledStages([everything.slice(70).reverse(), everything.slice(0, 70)]), {
    path: two,
    per_label: 10,
  });
  t.equal(await readFile(one, 'utf8'), await readFile(two, 'utf8'));
  t.match(await readFile(one, 'utf8'), '>10 of 24</text>');
});

t.test('one label is drawn, and told', async (t) => {
  const path = join(t.testdir(), 'one.svg');
  const { notes } = await run(
    labelledStages([everything.slice(0, 8)], () => 'x'),
    { path },
  );
  t.strictSame(notes, ['plot: all rows have the same kind, "x"']);
});

t.test('what cannot be drawn leaves the earlier picture', async (t) => {
  const dir = t.testdir({ 'a.svg': 'earlier' });
  const path = join(dir, 'a.svg');
  const error = new Error('broken');
  const failing = labelledStages([[1, 2], [3], [4]], undefined, { batch: 2, error });
  t.equal(await run(failing, { path }).catch((thrown: unknown) => thrown), error);
  await t.rejects(run(labelledStages([[0, 1, 2, 3, 4, 5]]), { path }), {
    message: /at least 7 rows.*found 6/,
  });
  await t.rejects(run(labelledStages([[0, 1]]), { path, method: 'pca' }), { message: /at least 3 rows/ });
  await t.rejects(run(labelledStages([[]]), { path }), { message: /found 0/ });
  t.strictSame(await readdir(dir), ['a.svg']);
  t.equal(await readFile(path, 'utf8'), 'earlier');
});

t.test('options that do not fit', async (t) => {
  const problem = (options: Readonly<Record<string, unknown>>) =>
    plot.options.safeParse({ by: 'kind', ...options }).error?.issues[0]?.message;
  t.equal(problem({ path: 'a.jpg' }), 'a path must end in .png, .svg or .jsonl');
  t.equal(problem({ path: ['a.svg', 'a.svg'] }), 'a path is there twice');
  t.equal(problem({ path: 'a.svg', standardize: true }), 'standardize and pca are for distance: indices');
  t.equal(problem({ path: 'a.SVG', distance: 'indices', standardize: true, pca: 50 }), undefined);
});
