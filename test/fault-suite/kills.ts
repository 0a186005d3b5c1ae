import { join } from 'node:path';
import type { When } from './injection.js';
import { each } from './process.js';
import { type Random, random } from './random.js';
import { type Row, startRow, tried } from './row.js';
import {
  faultsOfRerun,
  makeScenario,
  pointsOf,
  published,
  runTonight,
  type Scenario,
  type Variant,
} from './scenario.js';
import type { PartSettings } from './settings.js';

/** Kills a run at every named point, or at `count` of them; those of publishing and of state come first. */
export async function killsAtPoints(variant: Variant, settings: PartSettings): Promise<Row> {
  const row = startRow(`SIGKILL before and after each write, sync and rename (${variant})`);
  const scenarios = await scenariosFor(variant, settings);
  const points = changing(await pointsOf(scenarios[0]!)).filter((at) => at.includes(settings.points ?? ''));
  const all = points.flatMap((at) => whensOf(at).map((when) => ({ at, when })));
  const cases = chosen(all, settings.count ?? all.length, random(settings.seed));
  await each(cases, scenarios.length, async ({ at, when }, worker) => {
    const scenario = scenarios[worker]!;
    const injection = { root: scenario.root, at, when, act: 'kill' } as const;
    const { signal } = await runTonight(scenario, { injection });
    await judge(row, scenario, `${when} ${at}`, signal === 'SIGKILL');
  });
  const those = settings.points === undefined ? '' : ` that hold ${settings.points}`;
  row.note = `${cases.length} of ${all.length} points${those}`;
  // What goes on at the same time may come in another order, or not at all.
  const missed = row.outcomes.get(notReached) ?? 0;
  if (missed > cases.length / 10)
    row.defects.push(`${missed} points are not reached: the suite tests little`);
  return row.done();
}

/** Kills runs at random times, at least 100 where no number is given. */
export async function killsAtRandom(variant: Variant, settings: PartSettings): Promise<Row> {
  const row = startRow(`SIGKILL at random times (${variant})`, `seed ${settings.seed}`);
  const scenarios = await scenariosFor(variant, settings);
  const startedAt = performance.now();
  await runTonight(scenarios[0]!);
  const whole = performance.now() - startedAt;
  await scenarios[0]!.reset();
  const numbers = random(settings.seed);
  // A run at whose start nothing has happened yet tells little.
  const delays = Array.from(
    { length: settings.count ?? 100 },
    () => (0.4 + numbers.below(800) / 1000) * whole,
  );
  await each(delays, scenarios.length, async (killAfter, worker) => {
    const scenario = scenarios[worker]!;
    const { signal } = await runTonight(scenario, { killAfter });
    await judge(
      row,
      scenario,
      `after ${killAfter.toFixed(0)} ms`,
      true,
      signal === null ? 'done before, ' : '',
    );
  });
  return row.done();
}

const notReached = 'not reached';

/** One scenario a worker: they run side by side. */
export async function scenariosFor(variant: Variant, settings: PartSettings): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  for (let worker = 0; worker < settings.workers; worker++)
    scenarios.push(await makeScenario(join(settings.folder, `${variant}-${worker}`), variant));
  return scenarios;
}

/** After a run that was cut off: the outputs are the old ones or the new ones, and the next run is as any other. */
async function judge(
  row: Row,
  scenario: Scenario,
  again: string,
  reached: boolean,
  before = '',
): Promise<void> {
  const state = await published(scenario);
  const defects = state === 'old' || state === 'new' ? [] : [`the outputs are ${state}`];
  defects.push(...(await faultsOfRerun(scenario)));
  tried(row, reached ? `${before}${state} outputs` : notReached, defects, again);
  await scenario.reset();
}

/** Points that change something: reading can be cut off anywhere. */
export function changing(points: readonly string[]): string[] {
  return points.filter((point) => !/^(open-read|read|readFile) /.test(point));
}

function whensOf(point: string): When[] {
  return /^(write|writev|writeFile|appendFile) /.test(point)
    ? ['before', 'half', 'after']
    : ['before', 'after'];
}

/** So many, in their order: first all that take or give names, and those of the state folder, then some of the others. */
function chosen<T extends { readonly at: string; readonly when: When }>(
  all: readonly T[],
  count: number,
  numbers: Random,
): T[] {
  const weight = ({ at }: T) =>
    (/^(rename|link|symlink|unlink) /.test(at) ? 4 : /^(sync|rm) /.test(at) ? 2 : 0) +
    (/ state\//.test(at) ? 1 : 0);
  const ranked = all.map((item) => ({ item, rank: weight(item), tie: numbers.below(1 << 30) }));
  ranked.sort((a, b) => b.rank - a.rank || a.tie - b.tie);
  const kept = new Set(ranked.slice(0, count).map(({ item }) => item));
  return all.filter((item) => kept.has(item));
}
