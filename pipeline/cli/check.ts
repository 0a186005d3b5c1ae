import type { Config } from '../config/load.js';
import type { Plan } from '../plan.js';
import { type PlanRemarks, planRemarks } from '../plan-text.js';
import { loadForCommand, planOf, writeNotes } from './load.js';

/**
 * `nag-pipeline check`: the configuration and its plan; no data is read. With `files` also all that a run looks at before
 * its first stage. Throws every fault at once.
 */
export async function checkCommand(file: string, set: readonly string[], files = false): Promise<void> {
  const config = await loadForCommand(file, set);
  writeNotes(config);
  const plan = planOf(config);
  const { stages } = config;
  const lines = files ? await linesOf(config, plan) : [];
  const count = `${stages.length} ${stages.length === 1 ? 'stage' : 'stages'}`;
  process.stdout.write([`${file}: ${count}, no faults`, ...lines, ''].join('\n'));
}

async function linesOf(config: Config, plan: Plan): Promise<string[]> {
  const { checkFiles } = await import('../preflight/check-files.js');
  const found = await checkFiles(config, plan, new AbortController().signal, (line) => {
    process.stderr.write(`${line}\n`);
  });
  return [...found, ...remarkLines(await planRemarks(plan))];
}

/** What stages say beforehand, once where several say the same. */
function remarkLines(remarks: PlanRemarks): string[] {
  const stages = new Map<string, string[]>();
  for (const [stage, texts] of remarks)
    for (const text of texts) stages.set(text, [...(stages.get(text) ?? []), stage]);
  return [...stages].map(([text, ids]) => `${ids.join(', ')}: ${text}`);
}
