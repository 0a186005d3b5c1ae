import { loadForCommand } from '../../pipeline/cli/load.js';
import { makePlan } from '../../pipeline/plan.js';
import { runPlan } from '../../pipeline/run.js';

/** Runs a configuration in this process. */
export async function runConfig(file: string): Promise<void> {
  const config = await loadForCommand(file, []);
  const signal = new AbortController().signal;
  await runPlan(makePlan(config.stages), { signal, tempDir: config.tempDir });
}

export function copyConfig(source: string, path: string): string {
  return `version: 1
temp_dir: temp
stages:
  - {use: ${source}, with: {path: ${path}}}
  - {use: write.jsonl, with: {path: out.jsonl}}
`;
}
