// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are written in a configuration
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Config, type LoadOptions, loadConfig } from '../../../pipeline/config/load.js';
import { configPaths } from '../../../pipeline/config/paths.js';
import { z } from '../../../pipeline/index.js';
import { createRegistry } from '../../../pipeline/registry.js';
import { modelPath } from '../../../transforms/model.js';
import { read, transform, write } from '../../fixtures/components.js';

const named = { ...transform('named', {}), options: z.strictObject({ model: modelPath() }) };

const yaml = `
version: 1
params:
  dir: {type: path, default: data}
  pool: {type: glob, default: "data/*.x"}
  text: {default: data/a.x}
  day: {default: d, env: DAY}
  model: {type: path, default: acme/tiny, env: MODEL}
  out: {type: path, default: out.x}
state_dir: "\${dir}/state"
stages:
  - {id: a, use: read, with: {path: ["\${dir}/a.x", "\${pool}", "\${text}", "\${day}/a.x", "x\${dir}"]}}
  - {use: named, with: {model: "\${model}"}}
  - {use: write, with: {path: "\${out}"}}
`;

/** A configuration in `conf`, loaded from a shell in `shell`; what it made of its paths, without the folder of the test. */
async function load(t: Test, set: Record<string, string>, env: Record<string, string> = {}) {
  const folder = t.testdir({
    conf: { 'c.yaml': yaml, 'only-conf': {}, both: { 'a.x': '' }, data: { 'a.x': '' }, far: { tiny: {} } },
    shell: { m: {}, both: { 'a.x': '' }, acme: { tiny: {} }, one: { 'a.x': '', 'b.y': '' } },
  });
  const config = await loadConfig(join(folder, 'conf/c.yaml'), options(join(folder, 'shell'), set, env));
  const short = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(`${folder}/`, '')) as unknown;
  return { paths: short(pathsOf(config)), notes: short(config.notes), config, folder };
}

function options(
  currentFolder: string,
  set: Record<string, string>,
  env: Record<string, string> = {},
): LoadOptions {
  return {
    registry: createRegistry([read, named, write]),
    currentFolder,
    set: new Map(Object.entries(set)),
    env,
    today: '2026-11-23',
    loadPlugin: async () => [],
  };
}

function pathsOf({ stages, settings }: Config): unknown {
  return [...stages.map(({ options }) => Object.values(options as object)[0] as unknown), settings.stateDir];
}

t.test('paths in the file are relative to it', async (t) => {
  const { paths, notes } = await load(t, {});
  t.strictSame(paths, [
    ['conf/data/a.x', 'conf/data/*.x', 'conf/data/a.x', 'conf/d/a.x', 'conf/xdata'],
    'acme/tiny',
    'conf/out.x',
    'conf/data/state',
  ]);
  t.strictSame(notes, [
    'acme/tiny is read as a name, not as a folder; there is also a folder shell/acme/tiny: give its path to use it',
  ]);
});

t.test(
  'paths of the command line and the environment are relative to the current folder, and reported',
  async (t) => {
    const set = { dir: 'new', pool: 'one/*.x', text: './one/a.x', day: 'one', out: 'o/p.x' };
    const { paths, notes } = await load(t, set, { MODEL: './m' });
    t.strictSame(paths, [
      ['shell/new/a.x', 'shell/one/*.x', 'shell/one/a.x', 'conf/one/a.x', 'conf/xnew'],
      'shell/m',
      'shell/o/p.x',
      'shell/new/state',
    ]);
    t.strictSame(notes, [
      '--set dir: new/a.x is shell/new/a.x, relative to the current folder',
      '--set pool: one/*.x is shell/one/*.x, relative to the current folder',
      '--set text: ./one/a.x is shell/one/a.x, relative to the current folder',
      'stages[0].with.path[3]: one/a.x is relative to the configuration, where it does not exist; there is also shell/one/a.x',
      "the environment's MODEL: ./m is shell/m, relative to the current folder",
      '--set out: o/p.x is shell/o/p.x, relative to the current folder',
      '--set dir: new/state is shell/new/state, relative to the current folder',
    ]);
  },
);

t.test('what exists beside the configuration alone is found there; the current folder wins', async (t) => {
  const { paths, notes } = await load(t, {
    dir: 'both',
    pool: 'data/*.x',
    text: 'only-conf',
    model: 'far/tiny',
  });
  t.strictSame(paths, [
    ['shell/both/a.x', 'conf/data/*.x', 'conf/only-conf', 'conf/d/a.x', 'conf/xboth'],
    'conf/far/tiny',
    'conf/out.x',
    'shell/both/state',
  ]);
  t.strictSame(notes, [
    '--set dir: both/a.x is shell/both/a.x, relative to the current folder; there is also conf/both/a.x',
    '--set pool: shell/data/*.x does not exist, so conf/data/*.x is used, relative to the configuration',
    '--set text: shell/only-conf does not exist, so conf/only-conf is used, relative to the configuration',
    '--set model: shell/far/tiny does not exist, so conf/far/tiny is used, relative to the configuration',
    '--set dir: both/state is shell/both/state, relative to the current folder',
  ]);
});

t.test('a local folder wins over a name; a name that is none stays a name', async (t) => {
  t.match((await load(t, { model: 'acme/tiny' })).paths, [Array, 'shell/acme/tiny']);
  t.match((await load(t, { model: 'acme/other@v1' })).paths, [Array, 'acme/other@v1']);
});

t.test(
  'an input of the file that exists in the current folder alone is pointed out, an output is not',
  async (t) => {
    const folder = t.testdir({ conf: {}, shell: { 'a.x': '' } });
    const paths = configPaths(join(folder, 'conf'), join(folder, 'shell'), new Map());
    t.equal(paths.resolve('a.x', ['with', 'path'], { isInput: true }), join(folder, 'conf/a.x'));
    t.equal(paths.resolve('a.x', ['with', 'path']), join(folder, 'conf/a.x'));
    t.strictSame(
      [...paths.notes],
      [
        `with.path: a.x is relative to the configuration, where it does not exist; there is also ${join(folder, 'shell/a.x')}`,
      ],
    );
  },
);

t.test('globs that start a path are looked for', async (t) => {
  const { paths } = await load(t, { pool: '*.yaml' });
  t.match(paths, [['conf/data/a.x', 'conf/*.yaml']], 'only beside the configuration');
  t.match((await load(t, { pool: '*/*.y' })).paths, [['conf/data/a.x', 'shell/*/*.y']]);
  t.match(
    (await load(t, { pool: '**/*.yaml' })).paths,
    [['conf/data/a.x', 'shell/**/*.yaml']],
    'any depth is not searched',
  );
});

t.test(
  'the hash is the same wherever the configuration is, and another for other stages, options and names',
  async (t) => {
    const { config, folder } = await load(t, { model: '../conf/both' });
    cpSync(join(folder, 'conf'), join(folder, 'elsewhere/conf-2'), { recursive: true });
    const elsewhere = async (set: Record<string, string>) =>
      (await loadConfig(join(folder, 'elsewhere/conf-2/c.yaml'), options(join(folder, 'elsewhere'), set)))
        .hash;
    t.equal(await elsewhere({ model: 'conf-2/both' }), config.hash, 'inside the folder');
    t.equal(
      await elsewhere({ model: '/a/m', pool: '/a/p/*.x' }),
      (await load(t, { model: '/b/m', pool: '/b/p/*.x' })).config.hash,
      'outside of it',
    );
    const hashes = [
      {},
      { model: './m' },
      { model: './n' },
      { pool: '/q/*.x' },
      { pool: '/p/*.x' },
      { dir: 'x' },
    ].map(async (set) => (await load(t, set)).config.hash);
    t.equal(new Set(await Promise.all(hashes)).size, hashes.length);
  },
);

t.test(
  'what a configuration of an installed package does not find there is in the current folder',
  async (t) => {
    const folder = t.testdir({ node_modules: { nag: { configs: { 'a.x': '' } } }, shell: {} });
    const configs = join(folder, 'node_modules/nag/configs');
    const paths = configPaths(configs, join(folder, 'shell'), new Map());
    t.strictSame(
      ['a.x', '../out/b.x', '../out/*.x', '../../c.x', 'a/b'].map((written) =>
        paths.resolve(written, [], { orName: '^a/b$' }).replace(`${folder}/`, ''),
      ),
      ['node_modules/nag/configs/a.x', 'shell/out/b.x', 'shell/out/*.x', 'node_modules/c.x', 'a/b'],
    );
    t.equal(paths.portable(join(folder, 'shell/out/b.x')), '../out/b.x');
    t.equal(paths.notes.size, 1);
  },
);
