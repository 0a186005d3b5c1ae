import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runCli } from '../fixtures/cli.js';
import { projectRoot } from '../fixtures/paths.js';

const configs = join(projectRoot, 'configs');

/** Runs a configuration of the project as it stands, but with its outputs in a folder of the test. */
async function run(t: Test, name: string, args: readonly string[] = []) {
  const text = (await readFile(join(configs, name), 'utf8'))
    .replaceAll(/(model: |path: "?|default: )(nag-mini|quickstart\/|merge\/)/g, `$1${configs}/$2`)
    .replaceAll('../out/', 'out/');
  const dir = t.testdir({ [name]: text, out: {} });
  const { code, stdout, stderr } = await runCli(['run', join(dir, name), ...args]);
  t.equal(code, 0, stderr);
  const written = async (path: string) => await readFile(join(dir, 'out', path), 'utf8');
  return { stdout, written };
}

const rowsOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

t.test('merge.yaml: the first of each docid, in the order of the selections', async (t) => {
  const { stdout, written } = await run(t, 'merge.yaml');
  const [science, code] = await Promise.all(
    ['science', 'code'].map(async (name) =>
      rowsOf(await readFile(join(configs, 'merge', `${name}.jsonl`), 'utf8')),
    ),
  );
  const first = new Set(science!.map(({ docid }) => docid));
  const expected = [
    ...science!.map((row) => ({ ...row, target: 'science' })),
    ...code!.filter(({ docid }) => !first.has(docid)).map((row) => ({ ...row, target: 'code' })),
  ];
  t.strictSame(rowsOf(await written('merged.jsonl')), expected, 'their ranks are columns like others');
  t.match(stdout, /merged +52 +46 +6 .*6 seen before/);
});

t.test('explain.yaml: shares of layers sum to the similarity', async (t) => {
  const { stdout, written } = await run(t, 'explain.yaml');
  t.match(stdout, /Why these documents\?/);
  const rows = rowsOf(await written('explained.jsonl'));
  t.ok(rows.length > 0);
  for (const row of rows) {
    const shares = row['nag_layers'] as number[];
    const similarity = 1 - (row['nag_distance'] as number);
    t.equal(shares.length, 6);
    t.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - similarity) < 1e-12, String(row['docid']));
    t.equal((row['nag_reasons'] as unknown[]).length, 5);
    t.notOk('fwd_up_feature' in row);
  }
});

t.test('stability.yaml: more documents, more alike', async (t) => {
  const { stdout, written } = await run(t, 'stability.yaml');
  t.match(stdout, /80 documents; Jaccard of the nearest 20 % of the documents/);
  const { targets } = JSON.parse(await written('stability.json')) as {
    targets: { target: string; spearman: number }[];
  };
  t.strictSame(
    targets.map(({ target }) => target),
    ['1', '3', '6', '9'],
  );
  t.ok(targets[3]!.spearman > targets[0]!.spearman);
});

t.test('coherence.yaml: held-out documents of a target are nearer than the pool', async (t) => {
  const { stdout, written } = await run(t, 'coherence.yaml');
  t.match(stdout, /AUC of "held-out" against the rest: 0\.[89]/);
  const { groups, auc } = JSON.parse(await written('coherence.json')) as {
    groups: { group: string; n: number }[];
    auc: { value: number };
  };
  t.strictSame(groups.map(({ group }) => group).sort(), ['held-out', 'pool']);
  t.ok(auc.value > 0.7);
});
