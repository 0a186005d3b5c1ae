import { NagError } from '../errors.js';
import { verifyManifest } from '../publication/manifest.js';

/** `nag-pipeline verify`: whether the files of a manifest are there as they were published. Throws with those that are not. */
export async function verifyCommand(manifest: string): Promise<void> {
  const { run, files, faults } = await verifyManifest(manifest);
  if (faults.length > 0)
    throw new NagError([`${manifest}: ${faults.length} of ${files} files differ`, ...faults].join('\n'));
  process.stdout.write(
    `${manifest}: ${files} ${files === 1 ? 'file' : 'files'} as published by run ${run}\n`,
  );
}
