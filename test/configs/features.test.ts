import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runCli } from '../fixtures/cli.js';
import { projectRoot } from '../fixtures/paths.js';

interface Row {
  readonly docid: string;
  readonly category: string;
  readonly fwd_up_feature: { readonly layer_topk_value_index: readonly number[] };
}

/** The configurations in a folder of their own, so that outputs go there. */
async function configs(t: Test): Promise<string> {
  const dir = t.testdir({});
  await mkdir(join(dir, 'configs'));
  const real = join(projectRoot, 'configs');
  for (const name of ['features.yaml', 'rerank.yaml', 'join.yaml', 'store.yaml'])
    await copyFile(join(real, name), join(dir, 'configs', name));
  for (const name of ['quickstart', 'nag-mini']) await symlink(join(real, name), join(dir, 'configs', name));
  return dir;
}

async function run(dir: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(['run', ...args], { cwd: join(dir, 'configs') });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

async function rowsOf(file: string): Promise<Row[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line): Row => JSON.parse(line));
}

t.test('features are extracted once, and ranked without the model', async (t) => {
  const dir = await configs(t);
  await run(dir, 'features.yaml');
  for (const shard of ['pool/pool.jsonl', 'targets/science.jsonl', 'targets/code.jsonl']) {
    const made = await rowsOf(join(dir, 'out/features', shard));
    const kept = await rowsOf(join(dir, 'configs/quickstart/features', shard));
    t.same(
      made.map(({ docid }) => docid),
      kept.map(({ docid }) => docid),
    );
    const pairs = made.map((row, i) => [row, kept[i]!].map((r) => r.fwd_up_feature.layer_topk_value_index));
    const same = pairs.flatMap(([a, b]) => a!.filter((index, i) => index === b![i])).length;
    t.ok(
      same / (60 * made.length) > 0.98,
      `${shard}: processors may differ in the last bits of impacts only`,
    );
  }
  const text = await run(dir, 'rerank.yaml', '--set', 'features=../out/features', '--set', 'target=code');
  t.match(text, /By all layers\n.*\n {2}code /);
});

t.test('the features that are in the repository are ranked as by hand', async (t) => {
  const dir = await configs(t);
  const text = await run(dir, 'rerank.yaml');
  t.match(text, /By all layers\n.*\n {2}science /);
  t.match(text, /By the last layer\n.*\n {2}science /);
  t.same(
    (await rowsOf(join(dir, 'out/reranked.jsonl'))).slice(0, 4).map(({ docid }) => docid),
    await nearest(join(dir, 'configs/quickstart/features'), 4),
  );
});

/** The nearest to science by the sum of how often each of their neurons occurs in the target. */
async function nearest(features: string, count: number): Promise<string[]> {
  const target = await rowsOf(join(features, 'targets/science.jsonl'));
  const key = (index: number, i: number) => `${Math.floor(i / 10)} ${index}`;
  const keys = (row: Row) => row.fwd_up_feature.layer_topk_value_index.map(key);
  const times = new Map<string, number>();
  for (const name of target.flatMap(keys)) times.set(name, (times.get(name) ?? 0) + 1);
  const scored = (await rowsOf(join(features, 'pool/pool.jsonl'))).map((row) => ({
    docid: row.docid,
    sum: keys(row).reduce((sum, name) => sum + (times.get(name) ?? 0), 0),
  }));
  scored.sort((a, b) => b.sum - a.sum || (a.docid < b.docid ? -1 : 1));
  return scored.slice(0, count).map(({ docid }) => docid);
}

t.test('documents joined with their features are ranked as the features alone', async (t) => {
  const dir = await configs(t);
  await run(dir, 'rerank.yaml');
  await run(dir, 'join.yaml');
  const [alone, joined] = await Promise.all(
    ['reranked', 'joined'].map((name) => rowsOf(join(dir, `out/${name}.jsonl`))),
  );
  t.ok(joined!.length > 0);
  t.same(
    joined!.map(({ docid }) => docid),
    alone!.map(({ docid }) => docid),
  );
});

t.test('the next target finds the pool in the store', async (t) => {
  const dir = await configs(t);
  t.match(await run(dir, 'store.yaml'), /extract-2\+top_k-2 +80 +80/);
  const second = await run(dir, 'store.yaml', '--set', 'target=code');
  t.match(second, /extract-2\+top_k-2 +0 +0/);
  t.match(second, /features-2 +80 +80 .*80 reused/);
  t.match(second, /Selected documents\n.*\n {2}code /);
});
