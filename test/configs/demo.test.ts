import { readdirSync, readFileSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runCli } from '../fixtures/cli.js';
import { startHub } from '../fixtures/hub.js';
import { projectRoot } from '../fixtures/paths.js';

const configs = join(projectRoot, 'configs');

/** The demonstration's files with the model, in a folder that may be written to. */
async function copyDemo(t: Test): Promise<string> {
  const dir = t.testdir({ configs: {}, cache: {} });
  for (const name of ['demo.yaml', 'demo', 'nag-mini'])
    await cp(join(configs, name), join(dir, 'configs', name), { recursive: true });
  return dir;
}

const meanDistances = (text: string) =>
  [...text.matchAll(/^ +(science|news|narrative|code) +5 +(0\.\d+) +█+$/gm)].map(([, name, mean]) => ({
    name,
    mean: Number(mean),
  }));

t.test(
  'the demonstration ranks the categories as the reference does, and keeps half of the words',
  async (t) => {
    const dir = await copyDemo(t);
    const { code, stdout, stderr } = await runCli(['run', join(dir, 'configs', 'demo.yaml')]);
    t.equal(code, 0, stderr);
    t.strictSame(
      meanDistances(stdout)
        .slice(0, 4)
        .map(({ name }) => name),
      ['science', 'news', 'narrative', 'code'],
    );
    const rows = async (file: string) =>
      (await readFile(join(dir, file), 'utf8'))
        .trim()
        .split('\n')
        .map(
          (line) => JSON.parse(line) as { docid: string; doc: string; words: number; nag_distance: number },
        );
    const [pool, selected] = [await rows('configs/demo/pool.jsonl'), await rows('out/demo.jsonl')];
    t.ok(pool.every(({ doc, words }) => doc.split(/\s+/).filter(Boolean).length === words));
    const words = (some: typeof pool) => some.reduce((sum, row) => sum + row.words, 0);
    const budget = Math.trunc(words(pool) / 2);
    t.ok(words(selected) <= budget && words(selected) + Math.max(...pool.map((row) => row.words)) > budget);
    t.strictSame(
      selected.map((row) => row.nag_distance),
      selected.map((row) => row.nag_distance).sort((a, b) => a - b),
    );
  },
);

t.test("it runs with a model by the hub's name", async (t) => {
  const dir = await copyDemo(t);
  const names = readdirSync(join(configs, 'nag-mini')).filter((name) => /json|safetensors/.test(name));
  const files = Object.fromEntries(
    names.map((name) => [name, readFileSync(join(configs, 'nag-mini', name))]),
  );
  const repo = 'Qwen/Qwen3-0.6B-Base';
  const hub = await startHub(t, { repo, files });
  const env = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(dir, 'cache'), HF_TOKEN: '', HF_HUB_OFFLINE: '' };
  const config = join(dir, 'configs', 'demo.yaml');
  const { code, stdout, stderr } = await runCli(['run', config, '--set', `model=${repo}`], { env });
  t.equal(code, 0, stderr);
  t.equal(meanDistances(stdout)[0]?.name, 'science');
  t.match(stderr, `fetched ${repo} (weights, commit ${hub.commit})`);
});
