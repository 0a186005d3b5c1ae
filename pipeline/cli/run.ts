import type { Job } from '../job.js';
import { jsonReporter } from '../json-log.js';
import { Interrupted } from '../run.js';
import { newRunId } from '../state/records.js';
import { supervise } from '../supervise.js';
import { textReporter } from '../text-log.js';
import { loadForCommand, planOf } from './load.js';
import { version } from './version.js';

export type LogFormat = 'text' | 'json';

const signals = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * `nag-pipeline run`: everything that is not the result goes to stderr, the summary to stdout; with `log: json` all of
 * it to stderr.
 */
export async function runCommand(file: string, set: readonly string[], log: LogFormat): Promise<void> {
  const config = await loadForCommand(file, set);
  const job: Job = { id: newRunId(new Date()), config, plan: planOf(config), version: version() };
  const reporter =
    log === 'json'
      ? jsonReporter(job.id, config.name, process.stderr)
      : textReporter(config.name, process.stderr, process.stdout);
  const stopping = new AbortController();
  const unhook = hookSignals(stopping, config.settings.stateDir !== undefined);
  try {
    await supervise(job, reporter, stopping);
  } finally {
    unhook();
  }
}

/** The first signal stops the run cleanly; a second one ends the process at once. */
function hookSignals(stopping: AbortController, kept: boolean): () => void {
  const handlers = Object.entries(signals).map(([name, code]) => {
    const handler = () => {
      if (stopping.signal.aborted) process.exit(code);
      stopping.abort(new Interrupted(name, code, kept));
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return () => {
    for (const off of handlers) off();
  };
}
