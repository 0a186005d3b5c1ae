import { lstat } from 'node:fs/promises';
import { DataError, messageOf, NagError } from '../errors.js';
import { lstatOf } from '../leftovers.js';
import { dropUnused, rootOfLink } from './link-set.js';
import { publishLinked, type Step } from './linked.js';
import { outputPlace } from './place.js';
import { replace } from './replace.js';
import { checkReplaceable, type StagedOutput } from './staging.js';

export interface PublishOptions {
  /** All outputs become visible at one moment, through links where one rename cannot do it; otherwise one after the other. */
  readonly together: boolean;
  readonly step?: Step;
}

/**
 * Makes staged outputs visible at their final paths, where they replace earlier ones. Durable on return. Errors:
 * DataError where that is not possible; the outputs that were not replaced, with `together` all, are then as before.
 */
export async function publishAll(
  staged: readonly StagedOutput[],
  { together, step = () => undefined }: PublishOptions,
): Promise<void> {
  const outputs: StagedOutput[] = [];
  for (const output of staged) outputs.push({ ...output, final: await outputPlace(output.final) });
  for (const { final, foreign } of outputs) await checkReplaceable(final, foreign);
  const roots = new Set(await Promise.all(outputs.map(({ final }) => rootOfLink(final))));
  if (outputs.length === 0) return;
  if (together && !(await isOneRename(outputs)))
    await explained(outputs[0]!.final, () => publishLinked(outputs, step));
  else
    for (const { temporary, final } of outputs)
      await explained(final, async () => {
        await step(`replace ${final}`);
        await replace(temporary, final);
      });
  // Links into a set that was replaced by others: what cannot be removed is in nobody's way.
  for (const root of roots) if (root !== undefined) await dropUnused(root).catch(() => undefined);
}

/** A folder is never put in place as such: it could not be replaced by one rename the next time. */
async function isOneRename([output, another]: readonly StagedOutput[]): Promise<boolean> {
  if (!output || another || (await lstat(output.temporary)).isDirectory()) return false;
  return !(await lstatOf(output.final))?.isDirectory();
}

async function explained(final: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof NagError) throw cause;
    throw new DataError({ file: final }, `cannot be put in place: ${messageOf(cause)}`, { cause });
  }
}
