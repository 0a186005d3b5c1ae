import { loadForCommand, planOf, writeNotes } from './load.js';

/** `nag-pipeline check`: the configuration and its plan; no data is read. Throws a `ConfigError` with every fault. */
export async function checkCommand(file: string, set: readonly string[]): Promise<void> {
  const config = await loadForCommand(file, set);
  writeNotes(config);
  planOf(config);
  const { stages } = config;
  process.stdout.write(`${file}: ${stages.length} ${stages.length === 1 ? 'stage' : 'stages'}, no faults\n`);
}
