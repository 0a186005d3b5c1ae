import type { Run, RunOptions } from '../run.js';
import { diskFaults, listedFaults } from './check-paths.js';
import { throwFindings } from './finding.js';
import { stageUses } from './path-uses.js';

/** Makes a run's temporary folder and opens its sources. Throws all that is found wrong before any of them is read. */
export async function preflight(run: Run, { paths, together = false }: RunOptions): Promise<void> {
  const uses = paths ?? stageUses(run.plan.nodes.values());
  throwFindings(await diskFaults(uses, together));
  await run.makeTempDir();
  await run.openSources();
  const inputs = [...run.sources].map(([stage, { bundles }]) => ({
    stage,
    files: new Set(bundles.map(({ file }) => file)),
  }));
  throwFindings(await listedFaults(uses, inputs));
}
