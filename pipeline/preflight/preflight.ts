import { DataError, isRefusal, NagError } from '../errors.js';
import type { Run, RunOptions } from '../run.js';
import { atStage } from '../stage-error.js';
import { diskFaults, listedFaults } from './check-paths.js';
import { columnFaults } from './columns.js';
import { throwFindings } from './finding.js';
import { stageUses } from './path-uses.js';

/** Makes a run's temporary folder and opens its sources. Throws all that is found wrong before any of them is read. */
export async function preflight(run: Run, { paths, together = false, rejects }: RunOptions): Promise<void> {
  const uses = paths ?? stageUses(run.plan.nodes.values());
  const findings = await diskFaults(uses, together);
  if (rejects?.fault && !findings.some((finding) => isSameFile(finding, rejects.fault)))
    findings.push(rejects.fault);
  const collect = (error: unknown) => {
    if (run.signal.aborted || !(error instanceof NagError || isRefusal(error))) throw error;
    findings.push(error instanceof NagError ? error : new NagError(error.message, { cause: error }));
  };
  await run.makeTempDir().catch(collect);
  await run.openSources((node, error) => collect(atStage(error, node))).catch(collect);
  findings.push(...(await listedFaults(uses, filesOf(run))), ...(await columnFaults(run)));
  throwFindings(findings);
}

/** Whether two faults are of one file. */
function isSameFile(a: NagError, b: NagError | undefined): boolean {
  return a instanceof DataError && b instanceof DataError && a.place.file === b.place.file;
}

function filesOf({ sources }: Run) {
  return [...sources].map(([stage, { bundles }]) => ({
    stage,
    files: new Set(bundles.map(({ file }) => file)),
  }));
}
