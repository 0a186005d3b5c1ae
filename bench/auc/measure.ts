import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadForCommand } from '../../pipeline/cli/load.js';
import { makePlan } from '../../pipeline/plan.js';
import { runPlan } from '../../pipeline/run.js';
import { wordDistances } from './bag-of-words.js';
import { type Labelled, readJsonl } from './documents.js';
import { writeTwin } from './twin.js';

/** What is looked for, and so the category that is right. */
export const targets = ['science', 'code'] as const;
export type Target = (typeof targets)[number];

/** Distances of documents, in their order, by each method. */
export type Distances = ReadonlyMap<string, Readonly<Record<Target, readonly number[]>>>;

/** The name of a model with random weights. */
export const twinName = (seed: number) => `random weights, seed ${seed}`;

/**
 * Distances to the quickstart's targets by nag-mini, by models like it with random weights, and by words. The models
 * run in one pipeline, with the quickstart's options, in a folder for its files.
 */
export async function measure(
  documents: readonly Labelled[],
  configs: string,
  seeds: readonly number[],
  folder: string,
): Promise<Distances> {
  await mkdir(folder, { recursive: true });
  const models = new Map([['nag-mini', join(configs, 'nag-mini')]]);
  for (const seed of seeds) {
    const twin = join(folder, `twin-${seed}`);
    await writeTwin(join(configs, 'nag-mini'), twin, seed);
    models.set(twinName(seed), twin);
  }
  await writeFile(join(folder, 'pool.jsonl'), documents.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await run(join(folder, 'auc.yaml'), pipelineOf([...models.values()], configs));
  const found = new Map<string, Record<Target, readonly number[]>>();
  for (const [i, name] of [...models.keys()].entries())
    found.set(name, await forEachTarget((target) => distancesIn(join(folder, outputOf(i, target)))));
  const texts = documents.map(({ doc }) => doc);
  found.set(
    'bag of words',
    await forEachTarget(async (target) => wordDistances(texts, await targetTexts(configs, target))),
  );
  return found;
}

const outputOf = (model: number, target: Target) => `${model}-${target}.jsonl`;
const targetFile = (configs: string, target: Target) =>
  join(configs, 'quickstart', 'targets', `${target}.jsonl`);

async function run(file: string, pipeline: object): Promise<void> {
  await writeFile(file, JSON.stringify(pipeline));
  const config = await loadForCommand(file, []);
  await runPlan(makePlan(config.stages), { signal: new AbortController().signal, tempDir: config.tempDir });
}

/** The quickstart's stages for each model; its features serve all targets. */
function pipelineOf(models: readonly string[], configs: string): object {
  const templates = models.map((model, i) => [
    `nag-${i}`,
    [
      { use: 'tokenize', with: { model, max_length: 120 } },
      { use: 'extract', with: { model, neurons: ['fwd_up'], device: 'cpu' } },
      { use: 'top_k', with: { k: 10 } },
    ],
  ]);
  const text = { text: '{question}\n{answer}' };
  const stages = models.flatMap((_, i) => [
    { use: 'read.jsonl', with: { path: 'pool.jsonl' } },
    { id: `features-${i}`, template: `nag-${i}` },
    ...targets.flatMap((target) => [
      { use: 'read.jsonl', with: { path: targetFile(configs, target), columns: text } },
      { template: `nag-${i}` },
      { id: `${target}-${i}`, use: 'profile' },
      { use: 'score', from: { main: `features-${i}`, profile: `${target}-${i}` } },
      { use: 'write.jsonl', with: { path: outputOf(i, target) } },
    ]),
  ]);
  return { version: 1, templates: Object.fromEntries(templates), stages };
}

async function distancesIn(file: string): Promise<number[]> {
  return (await readJsonl(file)).map((row) => Number(row['nag_distance']));
}

async function targetTexts(configs: string, target: Target): Promise<string[]> {
  const rows = await readJsonl(targetFile(configs, target));
  return rows.map(({ question, answer }) => `${String(question)}\n${String(answer)}`);
}

async function forEachTarget(
  work: (target: Target) => Promise<readonly number[]>,
): Promise<Record<Target, readonly number[]>> {
  return { science: await work('science'), code: await work('code') };
}
