import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { version } from '../../pipeline/cli/version.js';
import { type Row, tableOf } from './row.js';

/** Writes the table of what was tried and what happened. */
export async function writeReport(
  file: string,
  rows: readonly Row[],
  seed: number,
  args: readonly string[],
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, reportText(rows, seed, args));
}

export function reportText(rows: readonly Row[], seed: number, args: readonly string[]): string {
  const defects = rows.flatMap((row) => row.defects.map((defect) => `- ${row.what}: ${defect}`));
  const total = rows.reduce((sum, row) => sum + row.tried, 0);
  return `# What nag-pipeline was put through

Made by \`${['npm run faults', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')}\`; the same command with the same seed tries the same.

- ${new Date().toISOString().slice(0, 10)}, nag-pipeline ${version()}, Node ${process.version}, ${platform()} ${release()} ${arch()}
- ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${(totalmem() / 1e9).toFixed(0)} GB
- seed ${seed}; ${total} cases in ${(rows.reduce((sum, row) => sum + row.seconds, 0) / 60).toFixed(0)} minutes

After a kill or a failure the published files must be all those of the run before or all those of the new run, byte for byte;
the next run must end with 0 and publish what an undisturbed run publishes, with nothing left behind.
A refusal is a message that names the file, with exit code 1 or 2 and without a stack trace.
A flipped bit of a value that has no checksum is another value, which nobody can tell from the one that was meant: such an
input is *taken as another input*, and the result must be that of a first run over it. What the program keeps itself is checked.
**Defects** counts everything else: another end, a hang, a crash, a success that is none.

${tableOf(rows)}

## Defects found in this run

${defects.length > 0 ? defects.join('\n') : 'None.'}
`;
}
