import { scenariosFor } from './kills.js';
import { each } from './process.js';
import { random } from './random.js';
import { type Row, startRow, tried } from './row.js';
import { faultsOfRerun, faultsOfText, lastLine, pointsOf, published, runTonight } from './scenario.js';
import type { PartSettings } from './settings.js';

/** The clock jumps by these hours in the middle of a run. */
const jumps = [-1, 1, -25, 25, -24 * 365 * 30, 24 * 365 * 30];

export async function clockJumps(settings: PartSettings): Promise<Row> {
  const row = startRow('the clock jumps at one operation, by an hour, a day, 30 years, forth and back');
  const scenarios = await scenariosFor('files', settings);
  const points = await pointsOf(scenarios[0]!);
  const numbers = random(settings.seed);
  const cases = Array.from({ length: settings.count ?? 60 }, (_, i) => ({
    at: i < jumps.length ? points[0]! : numbers.pick(points),
    hours: jumps[i % jumps.length]!,
  }));
  await each(cases, scenarios.length, async ({ at, hours }, worker) => {
    const scenario = scenarios[worker]!;
    const ended = await runTonight(scenario, { injection: { root: scenario.root, at, act: 'clock', hours } });
    const state = await published(scenario);
    const defects = faultsOfText(ended.stderr);
    if (ended.code !== 0 || state !== 'new')
      defects.push(`ends with ${ended.code}, ${state} outputs: ${lastLine(ended.stderr)}`);
    if (/-\d+(\.\d+)? ?(ms|s|min|h)\b/.test(ended.stdout + ended.stderr))
      defects.push(`a negative time: ${ended.stdout}`);
    defects.push(...(await faultsOfRerun(scenario)));
    tried(row, 'complete as ever', defects, `${hours} h at ${at}`);
    await scenario.reset();
  });
  return row.done();
}
