import { dirname } from 'node:path';
import type { Config } from '../config/load.js';
import type { Plan } from '../plan.js';
import { nowAndThen } from '../progress.js';
import { Rejects } from '../rejects.js';
import { Run, type RunOptions } from '../run.js';
import { freeBytes } from './outputs.js';
import { pathUses } from './path-uses.js';
import { preflight } from './preflight.js';

/**
 * Does all that a run does before its first stage, and writes nothing but a temporary folder. Returns what was found, a line
 * each: what is read, remarks, free space. Throws all faults at once.
 * @param progress told now and then of what takes long
 */
export async function checkFiles(
  config: Config,
  plan: Plan,
  signal: AbortSignal,
  progress: (line: string) => void = () => undefined,
): Promise<string[]> {
  const { onError, stateDir } = config.settings;
  const paths = pathUses(config);
  const notes: string[] = [];
  const options: RunOptions = {
    signal,
    tempDir: undefined,
    together: stateDir !== undefined,
    paths,
    rejects: new Rejects({
      policy: onError.policy === 'fail' ? 'fail' : 'skip',
      maxRatio: onError.maxRatio,
    }),
    note: (text) => notes.push(text),
  };
  const run = new Run(plan, options);
  const stop = nowAndThen(() => {
    for (const { label, doing } of run.stats.values())
      if (doing !== undefined) progress(`${label}: ${doing}`);
  });
  try {
    await preflight(run, options);
    return [...inputLines(run), ...notes, ...(await spaceLines(paths))];
  } finally {
    stop();
    await run.close();
  }
}

function inputLines({ sources }: Run): string[] {
  return [...sources].map(([id, { bundles, rows }]) => {
    const files = new Set(bundles.map(({ file }) => file)).size;
    const counted = rows === undefined ? '' : `, ${rows} rows`;
    const bytes = bundles.reduce((sum, bundle) => sum + bundle.bytes, 0);
    return `${id}: ${files} ${files === 1 ? 'file' : 'files'}${counted}, ${(bytes / 1e6).toFixed(1)} MB`;
  });
}

/** The free space where outputs go, a line for each folder. */
async function spaceLines(paths: ReturnType<typeof pathUses>): Promise<string[]> {
  const folders = new Set(paths.flatMap(({ role, path }) => (role === 'writes' ? [dirname(path)] : [])));
  const lines: string[] = [];
  for (const folder of folders) {
    const free = await freeBytes(folder);
    if (free !== undefined) lines.push(`${folder}: ${(free / 1e9).toFixed(1)} GB free`);
  }
  return lines;
}
