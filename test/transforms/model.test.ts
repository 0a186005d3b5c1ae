import { readdirSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ParquetSource } from '../../pipeline/arrow/parquet-file.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { runCli, startCli } from '../fixtures/cli.js';
import { type HubFiles, startHub } from '../fixtures/hub.js';

const pipeline = `version: 1
params: {model: {type: path, required: true}}
templates:
  nag:
    - {use: tokenize, with: {model: "\${model}"}}
    - {use: extract, with: {model: "\${model}", device: cpu, threads: 1}}
    - {use: top_k, with: {k: 3}}
stages:
  - {use: read.jsonl, with: {path: docs.jsonl}}
  - {template: nag}
  - {id: profile, use: profile}
  - {use: read.jsonl, with: {path: docs.jsonl}}
  - {template: nag}
  - {use: score, from: {profile: profile}}
  - {use: rank, with: {fraction: 0.5}}
  - {use: write.parquet, with: {path: out.parquet}}
`;

/** The facts in an output's footer. */
async function parquetMetadata(path: string): Promise<ReadonlyMap<string, string>> {
  const file = await ParquetSource.open(path);
  await file.close();
  return file.metadata;
}

/** A folder with a pipeline, and a hub that has its model as `acme/tiny`. */
async function setUp(t: Test) {
  const dir = t.testdir({ cache: {}, 'pipeline.yaml': pipeline });
  const rows = ['red fish', 'blue fish', 'one more'].map((doc, i) => ({ docid: `d${i}`, doc, token_num: 3 }));
  await writeFile(join(dir, 'docs.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await writeModelFolder(join(dir, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  const names = readdirSync(join(dir, 'model'));
  const files: HubFiles['files'] = Object.fromEntries(
    names.map((name) => [name, readFileSync(join(dir, 'model', name))]),
  );
  const hub = await startHub(t, { repo: 'acme/tiny', files, small: ['config.json'] });
  const env = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(dir, 'cache'), HF_TOKEN: '', HF_HUB_OFFLINE: '' };
  const args = (command: string, model: string) => [
    command,
    join(dir, 'pipeline.yaml'),
    '--set',
    `model=${model}`,
  ];
  const run = (command: string, model: string, more = {}) =>
    runCli(args(command, model), { env: { ...env, ...more } });
  return { dir, hub, env, args, run };
}

t.test('a model by its name on the hub', async (t) => {
  const { dir, hub, env, args, run } = await setUp(t);
  const checkFiles = async () => (await runCli([...args('check', 'acme/tiny'), '--files'], { env })).stdout;
  const absent = /acme\/tiny is no folder, and not in the cache of models: a run fetches it/g;
  t.equal((await checkFiles()).match(absent)?.length, 1, 'named once for all stages');
  for (const command of ['check', 'plan']) {
    const { code, stderr } = await run(command, 'acme/tiny');
    t.equal(code, 0, stderr);
  }
  t.strictSame(hub.requests, [], 'check and plan fetch nothing');

  const first = await run('run', 'acme/tiny');
  t.equal(first.code, 0, first.stderr);
  t.match(first.stderr, `note: top_k: fetched acme/tiny (weights, commit ${hub.commit})`);
  t.equal(hub.requests.filter((path) => /model\.safetensors$/.test(path)).length, 1, 'once for all stages');
  const facts = await parquetMetadata(join(dir, 'out.parquet'));
  t.equal(facts.get('nag.model_source'), `acme/tiny@${hub.commit}`);
  t.equal(facts.get('nag.tokenizer_source'), `acme/tiny@${hub.commit}`);

  t.notMatch(await checkFiles(), absent, 'the cache has it now');
  const asked = hub.requests.length;
  const second = await run('run', 'acme/tiny', { HF_HUB_OFFLINE: '1' });
  t.equal(second.code, 0, second.stderr);
  t.equal(hub.requests.length, asked, 'then it comes from the cache');
  const folder = await run('run', './model');
  t.equal(folder.code, 0, folder.stderr);
  const byFolder = await parquetMetadata(join(dir, 'out.parquet'));
  t.equal(byFolder.get('nag.model'), facts.get('nag.model'), 'the same weights');
  t.notOk(byFolder.has('nag.model_source'));
});

t.test('a folder of that name beside the configuration wins', async (t) => {
  const { dir, hub, run } = await setUp(t);
  await cp(join(dir, 'model'), join(dir, 'acme', 'tiny'), { recursive: true });
  const { code, stderr } = await run('run', 'acme/tiny');
  t.equal(code, 0, stderr);
  t.strictSame(hub.requests, []);
});

t.test('a run that is stopped while it fetches says so, and the next one goes on', async (t) => {
  const { dir, hub, env, args, run } = await setUp(t);
  hub.hangAfter = 50_000;
  const started = startCli(args('run', 'acme/tiny'), { env });
  await started.seen('pipeline: extract+top_k fetching acme/tiny/model.safetensors (2 of 2): 0.1 of ');
  started.child.kill('SIGINT');
  const { code, stdout, stderr } = await started.result;
  t.equal(code, 130);
  t.equal(stdout, '');
  t.match(stderr, 'stopped by SIGINT: nothing was written\n');
  t.notMatch(stderr, /^ +at /m);
  t.ok(
    readdirSync(join(dir, 'cache', 'models--acme--tiny', 'blobs')).some((name) => /incomplete$/.test(name)),
  );
  delete hub.hangAfter;
  const next = await run('run', 'acme/tiny');
  t.equal(next.code, 0, next.stderr);
  t.ok(hub.requests.some((path) => /model\.safetensors bytes=50000-/.test(path)));
});

t.test('what cannot be had ends with one message', async (t) => {
  const { run } = await setUp(t);
  const none = await run('run', 'acme/none');
  t.equal(none.code, 1);
  t.match(none.stderr, /^acme\/none: the hub has no such model or revision .*There is no such folder .*\n$/m);
  t.notMatch(none.stderr, /^ +at /m);
  const offline = await run('run', 'acme/tiny', { HF_HUB_OFFLINE: '1' });
  t.match(offline.stderr, /HF_HUB_OFFLINE is set\. .*"hf download acme\/tiny" fills the cache/);
});
