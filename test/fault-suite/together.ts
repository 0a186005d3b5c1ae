import { join } from 'node:path';
import { type Row, startRow, tried } from './row.js';
import { faultsOfRerun, faultsOfText, makeScenario, published, runTonight } from './scenario.js';
import type { PartSettings } from './settings.js';

/** Runs of the same pipeline that start at once: one does the work, the others say that it goes on (exit code 3). */
export async function runsTogether(settings: PartSettings): Promise<Row> {
  const row = startRow('2 and 8 runs of one pipeline started at once');
  const scenario = await makeScenario(join(settings.folder, 'together'), 'files');
  if (!scenario.keepsState) {
    row.note = 'NOT RUN: this program has no lock';
    return row.done();
  }
  for (const runs of Array.from({ length: settings.count ?? 10 }, (_, i) => (i % 2 === 0 ? 2 : 8))) {
    const ended = await Promise.all(Array.from({ length: runs }, () => runTonight(scenario)));
    const codes = ended.map(({ code }) => code).sort();
    const state = await published(scenario);
    const defects = ended.flatMap(({ stderr }) => faultsOfText(stderr));
    // One that starts late may find the lock free again, and then finds nothing left to do.
    if (!codes.includes(0) || codes.some((code) => code !== 0 && code !== 3))
      defects.push(`end with ${codes.join(', ')}`);
    if (state !== 'new') defects.push(`the outputs are ${state}`);
    defects.push(...(await faultsOfRerun(scenario)));
    const complete = codes.filter((code) => code === 0).length;
    tried(row, `${runs} runs: ${complete} complete, ${runs - complete} locked out`, defects, `${runs} runs`);
    await scenario.reset();
  }
  return row.done();
}
