import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadForCommand } from '../../pipeline/cli/load.js';
import { makePlan } from '../../pipeline/plan.js';
import { planText } from '../../pipeline/plan-text.js';
import { openCheckpoint } from '../../transforms/backbone/checkpoint.js';
import { DocumentTokenizer } from '../../transforms/tokenizer/tokenizer.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { projectRoot } from '../fixtures/paths.js';
import { type TokenizerStyle, writeTokenizer } from '../fixtures/tokenizer.js';
import { mutateBytes } from './mutate/bytes.js';
import { mutateJson } from './mutate/json.js';
import { mutateSafetensors } from './mutate/safetensors.js';
import { mutateYaml } from './mutate/yaml.js';
import { parquetSubject } from './mutation-parquet.js';
import { copyConfig, runConfig } from './mutation-run.js';
import { type Random, random } from './random.js';
import { wrongWeights } from './weights-oracle.js';

/** Makes what is mutated in a folder; then tries one seed: says how it was taken, or throws what the program throws. */
export type Subject = (folder: string) => Promise<(seed: number) => Promise<string>>;

const styles: readonly TokenizerStyle[] = ['qwen3', 'gpt2', 'llama2'];

const texts = [
  '',
  'the rain of spain',
  'é😀中文  \n\t tabs',
  'a'.repeat(3000),
  '<|endoftext|> <s> \ud800 \u0000',
];

export const subjects: ReadonlyMap<string, Subject> = new Map<string, Subject>([
  ['yaml', yamlSubject],
  ['parquet', parquetSubject],
  ['safetensors', safetensorsSubject],
  ['tokenizer', tokenizerSubject],
  ['config.json', modelConfigSubject],
  ['jsonl', jsonlSubject],
  ['model', modelSubject],
]);

/** `check`: the configurations that come with the program, and one that says all about runs nobody watches. */
async function yamlSubject(folder: string) {
  const configs = join(projectRoot, 'configs');
  const names = readdirSync(configs).filter((name) => name.endsWith('.yaml'));
  const originals = [...names.map((name) => readFileSync(join(configs, name), 'utf8')), unattended];
  const file = join(folder, 'nightly.yaml');
  return async (seed: number) => {
    const numbers = random(seed);
    await writeFile(file, mutateYaml(numbers.pick(originals), numbers));
    const config = await loadForCommand(file, []);
    planText(config, makePlan(config.stages));
    return 'accepted';
  };
}

/** `openCheckpoint`, and a second opinion on what it takes. */
async function safetensorsSubject(folder: string) {
  await writeModelFolder(folder, 'qwen3', { config: { num_hidden_layers: 2 } });
  const file = join(folder, 'model.safetensors');
  const original = await readFile(file);
  return async (seed: number) => {
    const numbers = random(seed);
    const bytes = mutateSafetensors(original, numbers);
    await writeFile(file, bytes);
    const { tensors } = await openCheckpoint(folder);
    const wrong = wrongWeights(bytes, [...tensors.values()]);
    if (wrong !== undefined) throw new Error(`wrong success: ${wrong}`);
    return 'accepted: another file of weights';
  };
}

async function modelConfigSubject(folder: string) {
  await writeModelFolder(folder, 'llama', { config: { num_hidden_layers: 2 } });
  const file = join(folder, 'config.json');
  const original = await readFile(file, 'utf8');
  return async (seed: number) => {
    const numbers = random(seed);
    await writeFile(file, mutatedJson(original, numbers));
    await openCheckpoint(folder);
    return 'accepted: another model';
  };
}

async function tokenizerSubject(folder: string) {
  const originals: string[] = [];
  for (const style of styles) {
    await writeTokenizer(join(folder, style), { style });
    originals.push(await readFile(join(folder, style, 'tokenizer.json'), 'utf8'));
  }
  const file = join(folder, 'tokenizer.json');
  return async (seed: number) => {
    const numbers = random(seed);
    await writeFile(file, mutatedJson(numbers.pick(originals), numbers));
    const tokenizer = await DocumentTokenizer.open(file);
    for (const text of texts) await encode(tokenizer, text);
    return 'accepted: another tokenizer';
  };
}

/** Ids are ids of the vocabulary, and the ways to get them agree. */
async function encode(tokenizer: DocumentTokenizer, text: string): Promise<void> {
  const [all, first, count] = [
    await tokenizer.all(text),
    await tokenizer.first(text, 8),
    await tokenizer.count(text),
  ];
  const wrong = all.find((id) => !(id >= 0 && id < tokenizer.vocabulary));
  if (wrong !== undefined) throw new Error(`wrong success: the id ${wrong} of ${tokenizer.vocabulary}`);
  if (count !== all.length) throw new Error(`wrong success: ${count} tokens counted, ${all.length} there`);
  if (first.some((id, at) => id !== all[at]) || first.length !== Math.min(8, all.length))
    throw new Error(`wrong success: the first tokens [${first}] are not those of [${all.slice(0, 8)}]`);
}

async function jsonlSubject(folder: string) {
  const rows = Array.from({ length: 20 }, (_, row) => ({
    docid: `d${row}`,
    doc: 'text '.repeat(row % 4),
    token_num: row,
    tags: row % 3 === 0 ? null : [`${row}`],
    more: { a: row / 2 },
  }));
  const original = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const config = join(folder, 'copy.yaml');
  const [file, out] = [join(folder, 'pool.jsonl'), join(folder, 'out.jsonl')];
  await writeFile(config, copyConfig('read.jsonl', 'pool.jsonl'));
  return async (seed: number) => {
    const numbers = random(seed);
    const text = mutatedLines(original, numbers);
    await writeFile(file, text);
    await runConfig(config);
    const lines = Buffer.from(text)
      .toString()
      .split('\n')
      .filter((line) => line.trim() !== '').length;
    const written = (await readFile(out, 'utf8')).split('\n').length - 1;
    if (lines !== written) throw new Error(`wrong success: ${lines} lines read, ${written} written`);
    return 'accepted: other rows';
  };
}

/** A whole run over damaged weights and tokenizer: the model computes, whatever the numbers are. */
async function modelSubject(folder: string) {
  await writeModelFolder(join(folder, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  const rows = Array.from({ length: 5 }, (_, row) => ({ docid: `d${row}`, doc: `the rain ${row}` }));
  await writeFile(join(folder, 'pool.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const config = join(folder, 'features.yaml');
  await writeFile(config, featuresConfig);
  const names = ['model.safetensors', 'tokenizer.json', 'config.json'];
  const originals = await Promise.all(names.map((name) => readFile(join(folder, 'model', name))));
  return async (seed: number) => {
    const numbers = random(seed);
    const which = numbers.pick([0, 0, 0, 1, 2]);
    for (const [i, name] of names.entries()) {
      const bytes = originals[i]!;
      const mutated = i === 0 ? mutateSafetensors(bytes, numbers) : mutatedJson(bytes.toString(), numbers);
      await writeFile(join(folder, 'model', name), i === which ? mutated : bytes);
    }
    await runConfig(config);
    const written = (await readFile(join(folder, 'out.jsonl'), 'utf8')).trim().split('\n');
    if (written.length !== rows.length)
      throw new Error(`wrong success: ${written.length} of ${rows.length} rows`);
    return 'accepted: another model';
  };
}

function mutatedJson(text: string, numbers: Random): Uint8Array {
  if (numbers.below(3) === 0) return mutateBytes(Buffer.from(text), numbers);
  return Buffer.from(JSON.stringify(mutateJson(JSON.parse(text), numbers)));
}

function mutatedLines(text: string, numbers: Random): Uint8Array {
  if (numbers.below(2) === 0) return mutateBytes(Buffer.from(text), numbers);
  const lines = text.trim().split('\n');
  const at = numbers.below(lines.length);
  lines[at] = JSON.stringify(mutateJson(JSON.parse(lines[at]!), numbers));
  return Buffer.from(`${lines.join('\n')}\n`);
}

const featuresConfig = `version: 1
temp_dir: temp
stages:
  - {use: read.jsonl, with: {path: pool.jsonl}}
  - {use: tokenize, with: {model: model, max_length: 16}}
  - {use: extract, with: {model: model, device: cpu, threads: 1}}
  - {use: top_k, with: {k: 4}}
  - {use: write.jsonl, with: {path: out.jsonl}}
`;

const unattended = `version: 1
name: nightly
state_dir: state
manifest: out/manifest.json
if_running: wait
if_changed: refuse
on_error: {policy: quarantine, max_ratio: 0.01, path: quarantine.jsonl}
retries: {attempts: 2, wait: 5s}
limits: {memory: 8GB, disk: 500MB, time: 8h}
keep: {outputs: 7, runs: 90}
hooks: {success: "true", failure: "echo failed"}
metrics: {textfile: metrics.prom}
params:
  target: {type: string, default: new, choices: [new, old]}
  day: {type: date, default: 2026-11-24}
  share: {type: number, default: 0.5}
stages:
  - {use: read.jsonl, with: {path: "\${target}.jsonl", columns: {text: "{a} {b}"}}}
  - {use: filter, with: {where: {lang: en}}}
  - {id: out, use: write.parquet, with: {path: "out/\${day}/selected.parquet"}}
`;
