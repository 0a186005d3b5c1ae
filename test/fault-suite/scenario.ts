import { cp, mkdir, readdir, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int64 } from 'apache-arrow';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { writeTestParquet } from '../fixtures/parquet.js';
import { type Injection, pointName } from './injection.js';
import { type Ended, type ProgramOptions, runProgram } from './process.js';

/**
 * What a nightly run publishes: `files`, a file of Parquet and one of JSON lines; `folders`, a folder of Parquet parts
 * and a shard an input, with a store of features.
 */
export type Variant = 'files' | 'folders';

/**
 * A nightly pipeline on the evening after a run: last night's outputs, for another target and a smaller pool, are
 * there; tonight's must replace them. Everything lies below `root`.
 */
export interface Scenario {
  readonly root: string;
  readonly config: string;
  readonly variant: Variant;
  /** The published files and their bytes, of last night's run and of one of tonight that nothing disturbed. */
  readonly old: Contents;
  readonly fresh: Contents;
  /** All paths outside the state folder after such a run. */
  readonly paths: readonly string[];
  /** The program keeps records in the state folder: what needs them can be asked of it. */
  readonly keepsState: boolean;
  /** Puts everything back as it was the evening before, or the morning after an undisturbed run. */
  reset(to?: 'evening' | 'morning'): Promise<void>;
}

/** Time stamps and links stay what they are. */
export const copying = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true } as const;

/** Paths from a folder, and content in hexadecimal. */
export type Contents = Readonly<Record<string, string>>;

/** @param folder of its own, made where it is missing */
export async function makeScenario(folder: string, variant: Variant): Promise<Scenario> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'night'), { recursive: true });
  const root = join(await realpath(folder), 'night');
  const saved = (time: string) => join(root, '..', time);
  const save = (time: string) => cp(root, saved(time), copying);
  const config = join(root, 'nightly.yaml');
  await writeMaterial(root, variant);
  await makeOld(root);
  await expectSuccess(await runProgram(['run', config, '--set', 'target=old']));
  const old = await contentsOf(join(root, 'out'));
  await writePool(root, 2);
  await makeOld(join(root, 'pool'));
  await save('evening');
  const reset = async (to = 'evening') => {
    await rm(root, { recursive: true, force: true });
    await cp(saved(to), root, copying);
  };
  await expectSuccess(await runProgram(['run', config]));
  const fresh = await contentsOf(join(root, 'out'));
  const paths = await pathsIn(root);
  await save('morning');
  const keepsState = (await readdir(root)).includes('state');
  await reset();
  return { root, config, variant, old, fresh, paths, keepsState, reset };
}

/** Tonight's run. */
export async function runTonight(scenario: Scenario, options: ProgramOptions = {}): Promise<Ended> {
  return await runProgram(['run', scenario.config], options);
}

/** What lies published. */
export async function published(scenario: Scenario): Promise<'old' | 'new' | 'mixed' | 'neither'> {
  const found = await contentsOf(join(scenario.root, 'out'));
  if (same(found, scenario.old)) return 'old';
  if (same(found, scenario.fresh)) return 'new';
  const known = Object.entries(found).every(
    ([path, bytes]) => scenario.old[path] === bytes || scenario.fresh[path] === bytes,
  );
  return known && Object.keys(found).length > 0 ? 'mixed' : 'neither';
}

/** Runs once more, undisturbed; what is wrong then. */
export async function faultsOfRerun(scenario: Scenario): Promise<string[]> {
  const { code, stderr, hung } = await runTonight(scenario);
  const faults = hung ? ['the next run hangs'] : [];
  if (code !== 0) faults.push(`the next run ends with ${code}: ${lastLine(stderr)}`);
  faults.push(...faultsOfText(stderr));
  const state = await published(scenario);
  if (state !== 'new') faults.push(`after the next run the outputs are ${state}`);
  const rubbish = (await pathsIn(scenario.root)).filter((path) => !scenario.paths.includes(path));
  if (rubbish.length > 0) faults.push(`left behind: ${rubbish.join(', ')}`);
  return faults;
}

/** What no message may have. */
export function faultsOfText(text: string): string[] {
  const traces = [
    /\n\s+at .+:\d+/,
    /Cannot read propert/,
    /is not a function/,
    /is not iterable/,
    /undefined \(reading/,
    /Maximum call stack/,
    /\[object /,
    /in a way it should not/,
  ];
  const found = traces.find((trace) => trace.test(text));
  return found === undefined ? [] : [`an error of the program shows: ${lastLine(text)}`];
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}

/** The points of a run of tonight, in their order. Leaves the scenario as it was. */
export async function pointsOf(scenario: Scenario): Promise<string[]> {
  const trace = join(scenario.root, '..', 'trace');
  await rm(trace, { force: true });
  const injection: Injection = { root: scenario.root, trace };
  await expectSuccess(await runTonight(scenario, { injection }));
  const points = (await readFile(trace, 'utf8')).trim().split('\n');
  await scenario.reset();
  return points;
}

/** What others see in a folder: links are followed, hidden files are none of theirs. */
export async function contentsOf(folder: string): Promise<Contents> {
  const contents: Record<string, string> = {};
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory())
      contents[name] = found ? (await readFile(path)).toString('hex') : 'leads nowhere';
    else
      for (const [inner, bytes] of Object.entries(await contentsOf(path)))
        contents[join(name, inner)] = bytes;
  }
  return contents;
}

/**
 * All paths below the root, less what differs between runs: of the state folder only what looks unfinished, of
 * published versions only how many there are.
 */
async function pathsIn(root: string): Promise<string[]> {
  const versions = new Map<string, number>();
  const names = (await readdir(root, { recursive: true })).flatMap((path) => {
    if (/^state(\/|$)/.test(path))
      return /tmp|\.lock-|\.old-|\.part/.test(path) ? [pointName(path, root)] : [];
    const [, set, , inner = ''] = /^(.*\.nag-[0-9a-f]{8})\/(\d+)(\/.*)?$/.exec(path) ?? [];
    if (set === undefined) return [pointName(path, root)];
    if (inner !== '') return [];
    versions.set(set, (versions.get(set) ?? 0) + 1);
    return [`${set}/version ${versions.get(set)}`];
  });
  return [...new Set(names)].sort();
}

function same(a: Contents, b: Contents): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

async function expectSuccess({ code, stderr }: Ended): Promise<void> {
  if (code !== 0) throw new Error(`the undisturbed run fails with ${code}: ${stderr}`);
}

async function writeMaterial(root: string, variant: Variant): Promise<void> {
  await mkdir(join(root, 'pool'), { recursive: true });
  await writeModelFolder(join(root, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  for (const target of ['old', 'new'])
    await writeFile(join(root, `${target}.jsonl`), jsonLines(target, 3, target === 'old' ? 5 : 1));
  for (const shard of [0, 1]) await writePool(root, shard);
  await writeFile(join(root, 'pool', 'more.jsonl'), jsonLines('m', 9, 3));
  await writeFile(join(root, 'nightly.yaml'), configText(variant));
}

/** Files become an hour old: what is kept of them otherwise depends on how fast the machine is. */
async function makeOld(folder: string): Promise<void> {
  const then = Date.now() / 1000 - 3600;
  for (const path of await readdir(folder, { recursive: true })) await utimes(join(folder, path), then, then);
}

async function writePool(root: string, shard: number): Promise<void> {
  const rows = documents(`${'abc'[shard]}`, 12, shard);
  const columns = {
    docid: rows.map(({ docid }) => docid),
    doc: rows.map(({ doc }) => doc),
    lang: rows.map(({ lang }) => lang),
    token_num: { type: new Int64(), values: rows.map(({ token_num }) => BigInt(token_num)) },
  };
  await writeTestParquet(join(root, 'pool', `${'abc'[shard]}.parquet`), columns, { rowGroupRows: 4 });
}

function jsonLines(prefix: string, count: number, salt: number): string {
  return documents(prefix, count, salt)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join('');
}

const words = ['the', 'rain', 'of', 'spain', 'and', 'a', 'forest', 'in', 'winter', 'for', 'her', 'tin'];

function documents(prefix: string, count: number, salt: number) {
  return Array.from({ length: count }, (_, row) => ({
    docid: `${prefix}${row}`,
    doc: Array.from(
      { length: 4 + (row % 5) },
      (_, at) => words[(row * 7 + at * (3 + salt) + salt) % 12],
    ).join(' '),
    lang: row % 2 === 0 ? 'en' : 'de',
    token_num: 5 + (row % 6),
  }));
}

function configText(variant: Variant): string {
  const store = variant === 'folders' ? '\n    - {use: features, with: {dir: store}}' : '';
  const outputs =
    variant === 'files'
      ? `
  - {use: write.parquet, from: rank, with: {path: out/selected.parquet, order: rank}}
  - {use: write.jsonl, from: rank, with: {path: out/selected.jsonl}}`
      : `
  - {use: write.parquet, from: rank, with: {path: out/parts, part_mb: 0.003}}
  - {use: write.jsonl, from: rank, with: {path: out/shards, shards: input}}`;
  return `version: 1
name: nightly
temp_dir: temp
state_dir: state
retries: {attempts: 1, wait: 0.01}
params:
  target: {type: string, default: new}
templates:
  nag:
    - {use: tokenize, with: {model: model, max_length: 16}}
    - {use: extract, with: {model: model, device: cpu, threads: 1}}
    - {use: top_k, with: {k: 4}}${store}
stages:
  - {use: read.jsonl, with: {path: "\${target}.jsonl"}}
  - {template: nag}
  - {id: profile, use: profile}
  - {use: read.parquet, with: {path: "pool/*.parquet"}}
  - {id: parquet, template: nag}
  - {use: read.jsonl, with: {path: pool/more.jsonl}}
  - {id: jsonl, template: nag}
  - {use: score, from: {main: [parquet, jsonl], profile: profile}}
  - {id: rank, use: rank, with: {fraction: 0.5}}${outputs}
`;
}
