import { DataError, NagError } from '../errors.js';
import { outputPlace } from '../publication/place.js';
import { atStage } from '../stage-error.js';
import { type Collision, collisions, nextTime, subject } from './collisions.js';
import { configFault } from './finding.js';
import { readNextTime } from './next-time.js';
import { checkOutput, onOtherDisk, realUses, sameFile } from './outputs.js';
import type { PathUse } from './path-uses.js';

/** Outputs that would replace what the run reads, writes or keeps, by their paths alone; nothing is looked up. */
export function pathFaults(uses: readonly PathUse[]): NagError[] {
  return collisions(uses).map(faultOf);
}

/**
 * What is wrong with the outputs as they are on the disk: what `pathFaults` finds once links are resolved, links that
 * lead nowhere, what is no regular file, folders that cannot be written or hold other things, full disks.
 * @param together whether all outputs become visible at one moment, for which they must be on one file system
 */
export async function diskFaults(uses: readonly PathUse[], together: boolean): Promise<NagError[]> {
  const outputs = uses.filter(({ role }) => role === 'writes');
  const special: NagError[] = [];
  for (const { path, place, user } of outputs)
    await outputPlace(path).catch((error: unknown) => {
      const fault = asFault(error);
      const isPlace = fault instanceof DataError && fault.cause === undefined;
      special.push(isPlace ? configFault(place, `${user}: ${fault.message}`, fault) : fault);
    });
  if (special.length > 0) return special;
  const found = collisions(await realUses(uses)).map(faultOf);
  if (found.length > 0) return found;
  const faults: NagError[] = [];
  for (const output of outputs)
    await checkOutput(output).catch((error: unknown) => faults.push(placedFault(error, output)));
  if (faults.length > 0 || !together) return faults;
  const other = await onOtherDisk(outputs.filter(({ user }) => user.startsWith('stage ')));
  if (!other) return [];
  const message = `is on another file system than ${other.common}, and outputs become visible together on one only: move it, write one file, or leave state_dir out`;
  return [new DataError({ file: other.output.path }, message)];
}

/** Outputs that are, by whatever name, files that have been listed as input. */
export async function listedFaults(
  uses: readonly PathUse[],
  inputs: Iterable<{ readonly stage: string; readonly files: Iterable<string> }>,
): Promise<NagError[]> {
  const outputs = uses.filter(({ role }) => role === 'writes');
  const faults: NagError[] = [];
  for (const { stage, files } of inputs) {
    const listed = [...files];
    const same = await sameFile(outputs, listed);
    if (same) {
      const { output, file } = same;
      const message = `${output.user}: the output ${output.path} is read by stage "${stage}" (as ${file}), and would replace it: choose another path`;
      faults.push(configFault(output.place, message));
      continue;
    }
    const own = uses.filter((use) => use.role === 'reads' && use.stage === stage);
    const next = await readNextTime(outputs, own, listed);
    if (next)
      faults.push(
        faultOf({ ...next, other: next.input, message: `${subject(next.output)} ${nextTime(next.input)}` }),
      );
  }
  return faults;
}

function faultOf({ output, other, message }: Collision): NagError {
  return configFault(output.place ?? other.place, message);
}

/** The fault of an output, with its stage. */
function placedFault(error: unknown, { stage, place }: PathUse): NagError {
  const fault = asFault(error);
  if (stage !== undefined) atStage(fault, { fused: [stage], ...(place !== undefined && { place }) });
  return fault;
}

function asFault(error: unknown): NagError {
  if (error instanceof NagError) return error;
  throw error;
}
