import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scenariosFor } from './kills.js';
import { flipBit, truncated } from './mutate/bytes.js';
import { each } from './process.js';
import { random } from './random.js';
import { type Row, startRow, tried } from './row.js';
import {
  type Contents,
  contentsOf,
  faultsOfText,
  lastLine,
  published,
  runTonight,
  type Scenario,
} from './scenario.js';
import type { PartSettings } from './settings.js';

/** Faults a file where no number of cases is given. */
const faultsEach = 12;

const kinds = [
  { name: 'pool', under: ['pool'], input: true },
  { name: 'weights', under: ['model/model.safetensors', 'model/config.json'], input: true },
  { name: 'tokenizer', under: ['model/tokenizer.json'], input: true },
  { name: 'features store', under: ['store'], input: false },
  { name: 'state', under: ['state'], input: false },
] as const;

type Kind = (typeof kinds)[number];

/** Flips bits in, and cuts off, every file that a run reads, the morning after a run: then it runs once more. */
export async function damage(settings: PartSettings): Promise<Row[]> {
  const scenarios = await scenariosFor('folders', settings);
  const rows: Row[] = [];
  for (const kind of kinds) rows.push(await damageOf(kind, scenarios, settings));
  return rows;
}

async function damageOf(kind: Kind, scenarios: readonly Scenario[], settings: PartSettings): Promise<Row> {
  const row = startRow(`bit-flips and truncations: ${kind.name}`, `seed ${settings.seed}`);
  await scenarios[0]!.reset('morning');
  const files = await filesUnder(scenarios[0]!.root, kind.under);
  if (files.length === 0) row.note = 'NOT RUN: this program keeps none';
  // Names of kept pieces tell of paths, which scenarios have of their own: the same file is the one at the same place.
  const fileIn = async ({ root }: Scenario, at: number) => (await filesUnder(root, kind.under))[at]!;
  const times =
    settings.count === undefined ? faultsEach : Math.ceil(settings.count / (kinds.length * files.length));
  const cases = files.flatMap((file, at) =>
    Array.from({ length: times }, (_, i) => ({ file, at, seed: settings.seed + i })),
  );
  const judge = kind.input ? damagedInput : damagedMemory;
  await each(cases, scenarios.length, async ({ file, at, seed }, worker) => {
    const scenario = scenarios[worker]!;
    const { outcome, defects } = await judge(scenario, async () =>
      spoil(join(scenario.root, await fileIn(scenario, at)), seed),
    );
    tried(row, outcome, defects, `${file}, seed ${seed}`);
  });
  await scenarios[0]!.reset();
  return row.done();
}

interface Judged {
  readonly outcome: string;
  readonly defects: readonly string[];
}

/** A damaged input is another input: what is kept of the whole one must not show, whether it fails or not. */
async function damagedInput(scenario: Scenario, spoilIt: () => Promise<void>): Promise<Judged> {
  const attempt = async (prepare: () => Promise<void>) => {
    await scenario.reset('morning');
    await prepare();
    await spoilIt();
    const { code, stderr } = await runTonight(scenario);
    const defects = faultsOfText(stderr);
    if (code !== 0 && (await published(scenario)) !== 'new') defects.push('fails, and changes the outputs');
    if (code !== 0 && code !== 1) defects.push(`ends with ${code}: ${lastLine(stderr)}`);
    if (code === 1 && !/\/(pool|model)\b/.test(stderr))
      defects.push(`names another place: ${lastLine(stderr)}`);
    return { code, stderr, defects, contents: await contentsOf(join(scenario.root, 'out')) };
  };
  const kept = await attempt(async () => undefined);
  const anew = await attempt(async () => {
    for (const folder of ['state', 'store'])
      await rm(join(scenario.root, folder), { recursive: true, force: true });
  });
  const defects = [...kept.defects, ...anew.defects];
  if (kept.code !== anew.code)
    defects.push(
      `ends with ${kept.code}, without kept work with ${anew.code}: ${lastLine(kept.stderr + anew.stderr)}`,
    );
  const differs = kept.code === 0 && anew.code === 0 && differingFile(kept.contents, anew.contents);
  if (differs) defects.push(`${differs} is not what a first run makes of the damaged input`);
  return { outcome: kept.code === 0 ? 'taken as another input' : 'told', defects };
}

/** Damaged memory is noticed, or made again: the outputs are those of undamaged memory. */
async function damagedMemory(scenario: Scenario, spoilIt: () => Promise<void>): Promise<Judged> {
  await scenario.reset('morning');
  await spoilIt();
  const { code, stderr } = await runTonight(scenario);
  const defects = faultsOfText(stderr);
  const state = await published(scenario);
  if (state !== 'new') defects.push(`ends with ${code}, the outputs are ${state}`);
  if (code !== 0 && code !== 1) defects.push(`ends with ${code}: ${lastLine(stderr)}`);
  return { outcome: code === 0 ? 'same outputs' : 'told', defects };
}

function differingFile(a: Contents, b: Contents): string | undefined {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].find((file) => a[file] !== b[file]);
}

/** One bit is another, or the end is missing. A disk changes no time stamp, a person's copy does. */
async function spoil(file: string, seed: number): Promise<void> {
  const numbers = random(seed);
  const [bytes, { atime, mtime }] = [await readFile(file), await stat(file)];
  const fault = numbers.below(3) === 0 ? truncated : flipBit;
  await writeFile(file, fault(bytes, numbers));
  // As old as other files: one that has just changed is read with more care.
  await utimes(file, atime, new Date(mtime.getTime() - 60_000));
}

async function filesUnder(root: string, under: readonly string[]): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((file) => under.some((name) => file === name || file.startsWith(`${name}/`)))
    .sort();
}
