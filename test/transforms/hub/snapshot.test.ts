import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Part } from '../../../transforms/hub/cache.js';
import { findCommit, openSnapshot } from '../../../transforms/hub/snapshot.js';
import { allSame } from '../../fixtures/all-same.js';
import { type HubFiles, startHub } from '../../fixtures/hub.js';

const repo = 'acme/tiny';
const weights = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251));
const files = {
  'config.json': Buffer.from('{"model_type": "qwen3"}'),
  'tokenizer.json': Buffer.from('{"version": "1.0"}'),
  'model.safetensors': weights,
  'pytorch_model.bin': Buffer.from('not wanted'),
};
const names = ['HF_HUB_CACHE', 'HF_ENDPOINT', 'HF_TOKEN', 'HF_HUB_OFFLINE'] as const;

/** A hub with a cache of one test's own. */
async function setUp(t: Test, content: Partial<HubFiles> = {}) {
  const hub = await startHub(t, { repo, files, small: ['config.json'], ...content });
  const cache = t.testdir({});
  const before = names.map((name) => [name, process.env[name]] as const);
  t.teardown(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  for (const name of names) delete process.env[name];
  Object.assign(process.env, { HF_HUB_CACHE: cache, HF_ENDPOINT: hub.url });
  const stopping = new AbortController();
  const [doing, notes]: [(string | undefined)[], string[]] = [[], []];
  const open = async (part: Part = 'weights', revision = 'main', name = repo, signal = stopping.signal) => {
    const watcher = {
      signal,
      doing: (text: string | undefined) => void doing.push(text),
      note: (text: string) => void notes.push(text),
    };
    const model = { repo: name, revision };
    const commit = await findCommit(model, watcher);
    return { commit, folder: await openSnapshot(model, commit, part, watcher) };
  };
  return { hub, cache, folder: join(cache, 'models--acme--tiny'), open, doing, notes, stopping };
}

const sha256 = createHash('sha256').update(weights).digest('hex');
const wanted = (requests: readonly string[]) =>
  requests.filter((request) => request.includes('/resolve/') && !request.endsWith('bytes=0-0'));

t.test("a model comes into HuggingFace's cache, and is read from there without network", async (t) => {
  const { hub, folder, open, doing, notes } = await setUp(t);
  const { commit, folder: snapshot } = await open();
  t.equal(commit, hub.commit);
  t.equal(snapshot, join(folder, 'snapshots', commit));
  t.strictSame((await readdir(snapshot)).sort(), ['config.json', 'model.safetensors'], 'only what is needed');
  t.strictSame(await readFile(join(snapshot, 'model.safetensors')), weights);
  t.equal(await readlink(join(snapshot, 'model.safetensors')), join('..', '..', 'blobs', sha256));
  t.equal(await readFile(join(folder, 'refs', 'main'), 'utf8'), commit);
  t.match(doing.slice(2), [/asking the hub for acme\/tiny/, /fetching acme\/tiny\/config\.json \(1 of 2\)/]);
  t.ok(doing.includes('fetching acme/tiny/model.safetensors (2 of 2): 0.3 of 0.3 MB, 100 %'));
  t.equal(doing.at(-1), undefined, 'and then it is over');
  t.match(notes, [`fetched acme/tiny (weights, commit ${commit}) into`]);

  const asked = hub.requests.length;
  t.strictSame(await open(), { commit, folder: snapshot });
  t.strictSame(await open('weights', commit), { commit, folder: snapshot }, 'also by its commit');
  process.env['HF_HUB_OFFLINE'] = '1';
  t.strictSame(await open(), { commit, folder: snapshot });
  t.equal(hub.requests.length, asked);
  delete process.env['HF_HUB_OFFLINE'];
  await open('tokenizer');
  t.strictSame(
    wanted(hub.requests.slice(asked)).map((path) => path.split('/').at(-1)),
    ['tokenizer.json'],
  );
});

t.test('shards are those that the index names', async (t) => {
  const index = {
    weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-1.safetensors' },
  };
  const { open } = await setUp(t, {
    files: {
      'config.json': files['config.json'],
      'model.safetensors.index.json': Buffer.from(JSON.stringify(index)),
      'model-1.safetensors': weights.subarray(0, 1000),
      'model-2.safetensors': weights.subarray(1000, 3000),
      'consolidated.safetensors': weights,
    },
  });
  const { folder } = await open();
  t.strictSame((await readdir(folder)).sort(), [
    'config.json',
    'model-1.safetensors',
    'model-2.safetensors',
    'model.safetensors.index.json',
  ]);
  await rm(join(folder, 'model-2.safetensors'));
  await open();
  t.equal(
    (await stat(join(folder, 'model-2.safetensors'))).size,
    2000,
    'a snapshot that lacks one is completed',
  );
});

t.test('a connection that breaks is taken up where it broke', async (t) => {
  const { hub, open } = await setUp(t);
  await open('tokenizer');
  hub.cuts.push(files['config.json'].length, 100_000, 50_000);
  const { folder } = await open();
  t.strictSame(await readFile(join(folder, 'model.safetensors')), weights);
  const starts = hub.requests.filter((path) => /model\.safetensors bytes=[1-9]/.test(path));
  t.equal(starts.length, 2);
});

t.test('a fetch that is stopped goes on in the next run', async (t) => {
  const { hub, folder, open, stopping } = await setUp(t);
  hub.hangAfter = 120_000;
  const partial = join(folder, 'blobs', `${sha256}.incomplete`);
  const running = open();
  const watch = setInterval(() => {
    stat(partial).then(
      ({ size }) => size >= 120_000 && stopping.abort(new Error('stopped')),
      () => undefined,
    );
  }, 20);
  await t.rejects(running, { message: 'stopped' });
  clearInterval(watch);
  t.equal((await stat(partial)).size, 120_000);
  delete hub.hangAfter;
  const again = hub.requests.length;
  const next = await open('weights', 'main', repo, new AbortController().signal);
  t.strictSame(await readFile(join(next.folder, 'model.safetensors')), weights);
  t.ok(
    wanted(hub.requests.slice(again)).some((path) => path.endsWith('model.safetensors bytes=120000-299999')),
  );
});

t.test('what an earlier attempt left is not trusted', async (t) => {
  for (const left of [
    Buffer.alloc(1000, 1),
    Buffer.alloc(weights.length + 5),
    Buffer.alloc(weights.length),
  ]) {
    const { folder, open } = await setUp(t);
    await mkdir(join(folder, 'blobs'), { recursive: true });
    await writeFile(join(folder, 'blobs', `${sha256}.incomplete`), left);
    const { folder: snapshot } = await open();
    t.strictSame(await readFile(join(snapshot, 'model.safetensors')), weights, `${left.length} bytes`);
  }
});

t.test('several at the same time do not harm one another', async (t) => {
  const { hub, cache, folder: model, open } = await setUp(t);
  const rounds = [[10, 10, 10, 10, 100_000, 50_000], ...Array.from({ length: 12 }, () => [])];
  await allSame(t, 'what each of them finds', async (same) => {
    for (const [round, cuts] of rounds.entries()) {
      hub.cuts.push(...cuts);
      const opened = await Promise.all(Array.from({ length: 5 }, () => open()));
      for (const [i, { folder }] of opened.entries()) {
        const name = `round ${round}, number ${i}`;
        const found = await readFile(join(folder, 'model.safetensors'));
        same(found.equals(weights), true, `${name}: the weights`);
        same((await readdir(folder)).sort(), ['config.json', 'model.safetensors'], `${name}: the files`);
      }
      same((await readdir(join(model, 'blobs'))).length, 2, `round ${round}: nothing is left`);
      await rm(cache, { recursive: true });
    }
  });
});

t.test('content that is not what was listed is thrown away', async (t) => {
  for (const [name, bytes, message] of [
    [
      'model.safetensors',
      Buffer.from(weights).fill(0, 5, 6).fill(9, 7, 8),
      /model\.safetensors: its checksum is/,
    ],
    ['config.json', Buffer.from('{"model_type": "qwenX"}'), /config\.json: its checksum is/],
    ['model.safetensors', Buffer.concat([weights, weights]), /expected 300000 bytes, 600000 came/],
  ] as const) {
    const { hub, folder, open } = await setUp(t);
    hub.spoilt.set(name, bytes);
    await t.rejects(open(), { name: 'NagError', message });
    const left = await readdir(join(folder, 'snapshots', hub.commit)).catch((): string[] => []);
    t.notOk(left.includes(name));
    t.notOk((await readdir(join(folder, 'blobs'))).some((blob) => blob.endsWith('.incomplete')));
    hub.spoilt.clear();
    t.strictSame(
      await readFile(join((await open()).folder, 'model.safetensors')),
      weights,
      'the next one mends it',
    );
  }
});

t.test('what cannot be had is told once, with what to do', async (t) => {
  const { hub, cache, open } = await setUp(t);
  hub.token = 'hf_right';
  await t.rejects(open(), {
    name: 'NagError',
    message: /^acme\/tiny: .*refuses it \(401\).*HF_TOKEN is not set.*set HF_TOKEN/,
  });
  process.env['HF_TOKEN'] = 'hf_wrong';
  await t.rejects(open(), { message: /\(401\).*the token in HF_TOKEN may not read it/ });
  process.env['HF_TOKEN'] = 'hf_right';
  await t.resolves(open('tokenizer'), 'the token is sent');
  await t.rejects(open('weights', 'main', 'acme/none'), {
    message: /^acme\/none: the hub has no such model or revision \(404\)\. There is no such folder /,
  });
  await t.rejects(open('weights', 'v9'), { message: /^acme\/tiny@v9: .*\(404\)/ });
  process.env['HF_HUB_OFFLINE'] = '1';
  await t.rejects(open('weights', 'v9'), {
    message: `acme/tiny@v9: HF_HUB_OFFLINE is set. There is no such folder beside the configuration, and the cache ${cache} does not have all of it. Where there is network, "hf download acme/tiny --revision v9" fills the cache; or give the path of a local folder`,
  });
  await t.rejects(open(), { message: /does not have all of it/ }, 'a part of it is not enough');
});

t.test('a folder of that name in the current folder is pointed out', async (t) => {
  const { open } = await setUp(t);
  const folder = t.testdir({ tiny: {}, acme: { small: {} } });
  const before = process.cwd();
  process.chdir(folder);
  t.teardown(() => process.chdir(before));
  process.env['HF_HUB_OFFLINE'] = '1';
  const also = (name: string) =>
    new RegExp(`; there is also a folder ${folder}/${name}: give its path to use it\\. `);
  await t.rejects(open('weights', 'v9'), { message: also('tiny') });
  await t.rejects(open('weights', 'v9', 'acme/small'), { message: also('acme/small') });
});

t.test('no network', async (t) => {
  const { open } = await setUp(t);
  process.env['HF_ENDPOINT'] = 'http://127.0.0.1:9';
  await t.rejects(open(), {
    message:
      /it could not be fetched: fetch failed \(.*\)\. There is no such folder .*What came is kept.*hf download acme\/tiny"/,
  });
});

t.test('a model without the files that are needed', async (t) => {
  const { open } = await setUp(t, {
    files: { 'config.json': files['config.json'], 'pytorch_model.bin': weights },
  });
  await t.rejects(open(), { message: /^acme\/tiny: the hub's folder has no model\.safetensors: / });
  await t.rejects(open('tokenizer'), { message: /has no tokenizer\.json: / });
});

t.test('settings of a tokenizer, where they are asked for and there', async (t) => {
  const settings = {
    'tokenizer_config.json': Buffer.from('{}'),
    'special_tokens_map.json': Buffer.from('{}'),
  };
  const { open } = await setUp(t, { files: { ...files, ...settings } });
  t.strictSame((await readdir((await open('tokenizer')).folder)).sort(), ['tokenizer.json']);
  const { folder } = await open('tokenizer and its settings');
  const all = ['special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json'];
  t.strictSame((await readdir(folder)).sort(), all);
});

t.test('a tokenizer without settings', async (t) => {
  const { open } = await setUp(t);
  const { folder } = await open('tokenizer and its settings');
  t.strictSame(await readdir(folder), ['tokenizer.json']);
});

t.test('an adapter is refused before anything of it is fetched', async (t) => {
  const { open, hub } = await setUp(t, { files: { ...files, 'adapter_config.json': Buffer.from('{}') } });
  await t.rejects(open(), {
    name: 'NagError',
    message: /^acme\/tiny: this folder holds an adapter, not a whole model: merge it first/,
  });
  t.strictSame(wanted(hub.requests), []);
});
