import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCheckpoint } from '../fixtures/checkpoint.js';
import { writeTokenizer } from '../fixtures/tokenizer.js';
import { runProgram } from './process.js';
import { random } from './random.js';
import { type Row, startRow, tried } from './row.js';
import { faultsOfText, lastLine } from './scenario.js';
import type { PartSettings } from './settings.js';

/** Paths of a pool, and how many rows it has, where they name one. A shell's signs mean nothing here. */
const pools: readonly { readonly path: string; readonly rows?: number }[] = [
  { path: 'pool/../pool/*.jsonl', rows: 1 },
  { path: '../paths/pool/*.jsonl', rows: 1 },
  { path: '../../../../../../../../etc/no-such*' },
  { path: '/etc/hostname' },
  { path: '/dev/zero' },
  { path: '/dev/random' },
  { path: '/proc/self/mem' },
  { path: '~/pool/*.jsonl' },
  { path: '$(touch made)/*.jsonl' },
  { path: '`touch made`' },
  { path: 'pool/a.jsonl;touch made' },
  { path: '$HOME/a.jsonl' },
  { path: 'pool\\0/a.jsonl' },
  { path: 'po\\nol/a.jsonl' },
  { path: 'loop/**/*.jsonl', rows: 2 },
  { path: 'loop/loop/loop/loop/a.jsonl', rows: 1 },
  { path: '../dead/itself.jsonl' },
  { path: '../dead/*.jsonl' },
  { path: '../dead' },
  { path: '' },
  { path: ' ' },
  { path: '.', rows: 1 },
  { path: '/' },
  { path: 'x'.repeat(300) },
  { path: 'x/'.repeat(3000) },
  { path: '*'.repeat(2000) },
  { path: '{a,b}'.repeat(40) },
  { path: '{1..1000000000}.jsonl' },
  { path: '**/'.repeat(500) },
  { path: '!(pool)/*.jsonl', rows: 1 },
  { path: '[' },
  { path: 'pool/a.jsonl/b.jsonl' },
  { path: 'fifo/../nothing' },
  { path: 'NUL' },
  { path: 'C:\\\\pool\\\\a.jsonl' },
  { path: '__proto__' },
];

/** Values of a model's index, which may be downloaded: it names files beside itself and no others. */
const shards = [
  '../../etc/passwd',
  '../outside/model.safetensors',
  '/etc/passwd',
  '/etc/passwd.safetensors',
  '..\\\\outside\\\\model.safetensors',
  './model.safetensors',
  'sub/model.safetensors',
  '..',
  '.',
  '',
  'model.safetensors\u0000.safetensors',
  'C:model.safetensors',
  'file:///etc/passwd',
  'https://example.org/model.safetensors',
  'loop.safetensors',
  'nothing.safetensors',
  `${'x'.repeat(300)}.safetensors`,
  null,
  7,
  ['model.safetensors'],
  {},
];

/** Where an output must not go. */
const outputs = [
  '/dev/null/out.jsonl',
  '/proc/out.jsonl',
  'pool',
  'a\\0.jsonl',
  '',
  `${'x'.repeat(300)}.jsonl`,
  'pool/a.jsonl/out.jsonl',
  '../dead/itself.jsonl/out.jsonl',
];

/** Of parameters whose type says what they may be. */
const sets = [
  'day=../../x',
  'day=2026-11-24/../../x',
  'day=',
  'day=2026-02-30',
  'choice=../a',
  'choice=a/../../x',
  'share=1e999',
  'share=NaN',
  'share=0x10;',
  '__proto__=1',
  'constructor=x',
  '=x',
  'nothing=1',
  'day',
];

/** So many of all, or all of them. */
function sampled<T>(all: readonly T[], { count, seed }: PartSettings): T[] {
  const numbers = random(seed);
  const ranked = all.map((item) => ({ item, rank: numbers.below(1 << 30) })).sort((a, b) => a.rank - b.rank);
  return ranked.slice(0, count ?? all.length).map(({ item }) => item);
}

export async function pathTricks(settings: PartSettings): Promise<Row[]> {
  const folder = join(settings.folder, 'paths');
  await writeMaterial(folder);
  const some = <T>(all: readonly T[]) => sampled(all, settings);
  return [
    await poolPaths(folder, some(pools)),
    await outputPaths(folder, some(outputs)),
    await parameters(folder, some(sets)),
    await checkpointIndexes(folder, some(shards)),
  ];
}

async function writeMaterial(folder: string): Promise<void> {
  await mkdir(join(folder, 'pool'), { recursive: true });
  await writeFile(join(folder, 'pool', 'a.jsonl'), '{"docid": "a", "doc": "text"}\n');
  await writeFile(join(folder, 'a.jsonl'), '{"docid": "a", "doc": "text"}\n');
  await symlink('.', join(folder, 'loop'));
  await mkdir(join(folder, '..', 'dead'));
  await symlink('itself.jsonl', join(folder, '..', 'dead', 'itself.jsonl'));
  await symlink('nowhere', join(folder, '..', 'dead', 'gone.jsonl'));
}

async function poolPaths(folder: string, tricks: typeof pools): Promise<Row> {
  const row = startRow('tricks in paths and globs of a pool');
  const out = join(folder, 'out', 'out.jsonl');
  for (const { path, rows } of tricks) {
    await writeConfig(folder, path, 'out/out.jsonl');
    await rm(out, { force: true });
    await judge(row, folder, ['run', join(folder, 'tricks.yaml')], rows !== undefined, path);
    const found = (await readFile(out, 'utf8').catch(() => '')).split('\n').length - 1;
    if (found !== (rows ?? 0)) row.defects.push(`${path}: ${found} rows, expected ${rows ?? 0}`);
  }
  return row.done();
}

async function outputPaths(folder: string, tricks: readonly string[]): Promise<Row> {
  const row = startRow('tricks in paths of outputs');
  for (const path of tricks) {
    await writeConfig(folder, 'pool/a.jsonl', path);
    await judge(row, folder, ['run', join(folder, 'tricks.yaml')], false, path);
  }
  return row.done();
}

/** Values of `--set` for parameters whose type says what they may be. */
async function parameters(folder: string, tricks: readonly string[]): Promise<Row> {
  const row = startRow('tricks in parameters');
  const file = join(folder, 'parameters.yaml');
  await writeFile(
    file,
    `version: 1
params:
  day: {type: date, default: 2026-11-24}
  choice: {type: string, default: a, choices: [a, b]}
  share: {type: number, default: 1}
stages:
  - {use: read.jsonl, with: {path: "pool/\${choice}.jsonl"}}
  - {use: write.jsonl, with: {path: "out/\${day}.jsonl"}}
`,
  );
  for (const set of tricks) await judge(row, folder, ['run', file, '--set', set], false, set);
  return row.done();
}

async function checkpointIndexes(folder: string, tricks: readonly unknown[]): Promise<Row> {
  const row = startRow("tricks in a model's index of files");
  const model = join(folder, 'model');
  await writeCheckpoint(model, 'qwen3', { shards: 2, config: { num_hidden_layers: 1 } });
  await writeTokenizer(model);
  await writeCheckpoint(join(folder, 'outside'), 'qwen3', { config: { num_hidden_layers: 1 } });
  await symlink('loop.safetensors', join(model, 'loop.safetensors'));
  const config = join(folder, 'model.yaml');
  await writeFile(
    config,
    `version: 1
stages:
  - {use: read.jsonl, with: {path: pool/a.jsonl}}
  - {use: tokenize, with: {model: model}}
  - {use: extract, with: {model: model, device: cpu, threads: 1}}
  - {use: write.jsonl, with: {path: out/out.jsonl}}
`,
  );
  for (const shard of tricks) {
    const index = { metadata: {}, weight_map: { 'model.embed_tokens.weight': shard } };
    await writeFile(join(model, 'model.safetensors.index.json'), JSON.stringify(index));
    await judge(row, folder, ['run', config], false, JSON.stringify(shard));
  }
  return row.done();
}

async function judge(row: Row, folder: string, args: string[], works: boolean, name: string): Promise<void> {
  const { code, stderr, hung } = await runProgram(args);
  const defects = faultsOfText(stderr);
  if (hung) defects.push('hangs');
  else if (works && code !== 0) defects.push(`ends with ${code}: ${lastLine(stderr)}`);
  else if (!works && code !== 1 && code !== 2) defects.push(`ends with ${code}: ${lastLine(stderr)}`);
  if (code !== 0 && lastLine(stderr) === '') defects.push('says nothing');
  if ((await readdir(folder)).includes('made')) defects.push('runs a command');
  tried(row, code === 0 ? 'means what it says' : 'refused', defects, name.slice(0, 60));
}

async function writeConfig(folder: string, pool: string, out: string): Promise<void> {
  await writeFile(
    join(folder, 'tricks.yaml'),
    `version: 1
stages:
  - {use: read.jsonl, with: {path: "${pool}"}}
  - {use: write.jsonl, with: {path: "${out}"}}
`,
  );
}
