import { hostname } from 'node:os';
import type { Config } from '../config/load.js';
import { messageOf, NagError } from '../errors.js';
import { jsonReporter } from '../json-log.js';
import { peakMemoryBytes } from '../peak-memory.js';
import { makePlan, type Plan } from '../plan.js';
import type { Reporter } from '../report.js';
import { Interrupted, runPlan } from '../run.js';
import { newRunId } from '../state/records.js';
import { textReporter } from '../text-log.js';
import { loadForCommand } from './load.js';
import { version } from './version.js';

export type LogFormat = 'text' | 'json';

const signals = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * `nag-pipeline run`: everything that is not the result goes to stderr, the summary to stdout; with `log: json` all of
 * it to stderr.
 */
export async function runCommand(file: string, set: readonly string[], log: LogFormat): Promise<void> {
  const config = await loadForCommand(file, set);
  const plan = makePlan(config.stages);
  const id = newRunId(new Date());
  const reporter =
    log === 'json'
      ? jsonReporter(id, config.name, process.stderr)
      : textReporter(config.name, process.stderr, process.stdout);
  const startedAt = performance.now();
  const ended = (status: 'complete' | 'failed' | 'stopped', exitCode: number, error: string | null) =>
    reporter.event(
      'run ended',
      {
        status,
        exit_code: exitCode,
        error,
        seconds: (performance.now() - startedAt) / 1000,
        peak_memory_bytes: peakMemoryBytes(),
      },
      ({ complete: 'info', failed: 'error', stopped: 'warn' } as const)[status],
    );
  try {
    await run(config, plan, reporter, startedAt);
    ended('complete', 0, null);
  } catch (error) {
    const exitCode = error instanceof NagError ? error.exitCode : 1;
    ended(error instanceof Interrupted ? 'stopped' : 'failed', exitCode, messageOf(error));
    throw error;
  }
}

async function run(config: Config, plan: Plan, reporter: Reporter, startedAt: number): Promise<void> {
  const stopping = new AbortController();
  const unhook = hookSignals(stopping);
  reporter.event('run started', {
    config: config.file,
    config_hash: config.hash,
    params: Object.fromEntries(config.params),
    version: version(),
    pid: process.pid,
    host: hostname(),
  });
  try {
    const result = await runPlan(plan, {
      signal: stopping.signal,
      tempDir: config.tempDir,
      provenance: new Map([
        ['nag.version', version()],
        ['nag.config', config.hash],
        ['nag.name', config.name],
      ]),
      note: reporter.note,
      onStart: reporter.start,
    });
    reporter.event('published', { files: result.files });
    reporter.summary(result, (performance.now() - startedAt) / 1000);
  } finally {
    reporter.stop();
    unhook();
  }
}

/** The first signal stops the run cleanly; a second one ends the process at once. */
function hookSignals(stopping: AbortController): () => void {
  const handlers = Object.entries(signals).map(([name, code]) => {
    const handler = () => {
      if (stopping.signal.aborted) process.exit(code);
      stopping.abort(new Interrupted(name, code));
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return () => {
    for (const off of handlers) off();
  };
}
