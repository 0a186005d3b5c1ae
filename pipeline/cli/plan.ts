import { planJson, planMermaid, planRemarks, planText } from '../plan-text.js';
import { loadForCommand, planOf, writeNotes } from './load.js';

export type PlanFormat = 'text' | 'mermaid' | 'json';

/** `nag-pipeline plan`: the graph as it will run; no data is read. */
export async function planCommand(file: string, set: readonly string[], format: PlanFormat): Promise<void> {
  const config = await loadForCommand(file, set);
  writeNotes(config);
  const plan = planOf(config);
  const print = { text: planText, mermaid: planMermaid, json: planJson }[format];
  process.stdout.write(`${print(config, plan, await planRemarks(plan))}\n`);
}
