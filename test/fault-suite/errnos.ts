import type { Injection } from './injection.js';
import { scenariosFor } from './kills.js';
import { type Ended, each } from './process.js';
import { random } from './random.js';
import { type Row, startRow, tried } from './row.js';
import {
  faultsOfRerun,
  faultsOfText,
  lastLine,
  pointsOf,
  published,
  runTonight,
  type Scenario,
  type Variant,
} from './scenario.js';
import type { PartSettings } from './settings.js';

const errors = ['EIO', 'EACCES', 'ENOSPC'] as const;

/** What an operation can fail with: a full disk is met where something is written, missing rights where it is opened. */
function errorsOf(point: string): readonly (typeof errors)[number][] {
  if (/^(open-read|readFile) /.test(point)) return ['EIO', 'EACCES'];
  if (/^read /.test(point)) return ['EIO'];
  if (/^(rm|rmdir|unlink) /.test(point)) return ['EIO', 'EACCES'];
  return errors;
}

/** Lets each operation of a run fail, or `count` of them. */
export async function errorsAtPoints(variant: Variant, settings: PartSettings): Promise<Row[]> {
  const scenarios = await scenariosFor(variant, settings);
  const points = (await pointsOf(scenarios[0]!)).filter((at) => at.includes(settings.points ?? ''));
  const all = points.flatMap((at) => errorsOf(at).map((act) => ({ at, act })));
  const rows = new Map(errors.map((act) => [act, startRow(`${act} at each operation (${variant})`)]));
  const cases = spread(all, settings.count ?? all.length, settings.seed);
  await each(cases, scenarios.length, async ({ at, act }, worker) => {
    const scenario = scenarios[worker]!;
    // A full disk stays full.
    const injection: Injection = { root: scenario.root, at, act, lasting: act === 'ENOSPC' };
    const ended = await runTonight(scenario, { injection });
    await judgeEnd(rows.get(act)!, scenario, ended, `${act} ${at}`);
  });
  for (const [act, row] of rows)
    row.note = `${row.tried} of ${all.filter((one) => one.act === act).length} points`;
  // They were tried side by side.
  return [...rows.values()].map((row) => {
    const { seconds, ...done } = row.done();
    return { ...done, seconds: seconds / rows.size };
  });
}

/** A run that met an error: it got over it, or told of it and left the old outputs. The next one is as any other. */
export async function judgeEnd(row: Row, scenario: Scenario, ended: Ended, again: string): Promise<void> {
  const state = await published(scenario);
  const defects = faultsOfText(ended.stderr);
  if (ended.hung) defects.push('the run hangs');
  if (state !== 'old' && state !== 'new') defects.push(`the outputs are ${state}`);
  if (ended.code === 0 && state !== 'new') defects.push('ends with 0 without the new outputs');
  // What cannot be read of the configuration is a fault of the configuration.
  const usual = / nightly\.yaml#/.test(again) ? 2 : 1;
  if (ended.code !== 0 && ended.code !== usual) defects.push(`ends with ${ended.code ?? ended.signal}`);
  if (ended.code === 1 && !/[\w*-]+[./][\w*-]+/.test(ended.stderr))
    defects.push(`names no file: ${lastLine(ended.stderr)}`);
  if (ended.code === 1 && lastLine(ended.stderr) === '') defects.push('says nothing');
  defects.push(...(await faultsOfRerun(scenario)));
  const how = ended.code === 0 ? 'got over it' : `told, ${state} outputs`;
  tried(row, how, defects, defects.length > 0 ? `${again} (${lastLine(ended.stderr)})` : again);
  await scenario.reset();
}

/** So many of all, spread over each kind of operation. */
function spread<T extends { readonly at: string; readonly act: string }>(
  all: readonly T[],
  count: number,
  seed: number,
): T[] {
  if (count >= all.length) return [...all];
  const numbers = random(seed);
  const seen = new Map<string, number>();
  const ranked = all.map((item) => {
    const kind = `${item.act} ${item.at.replace(/ (\w+)\/?.*$/, ' $1')}`;
    const turn = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, turn);
    return { item, rank: turn * 1000 + numbers.below(1000) };
  });
  ranked.sort((a, b) => a.rank - b.rank);
  const kept = new Set(ranked.slice(0, count).map(({ item }) => item));
  return all.filter((item) => kept.has(item));
}
