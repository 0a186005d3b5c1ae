import { dirname, join, resolve } from 'node:path';
import { makePlan } from '../plan.js';
import { showProgress } from '../progress.js';
import { Rejects } from '../rejects.js';
import { Interrupted, runPlan } from '../run.js';
import { summaryText } from '../summary.js';
import { loadForCommand } from './load.js';
import { version } from './version.js';

const signals = { SIGINT: 130, SIGTERM: 143 } as const;

/** `nag-pipeline run`: everything that is not the result goes to stderr, the summary to stdout. */
export async function runCommand(file: string, set: readonly string[]): Promise<void> {
  const config = await loadForCommand(file, set);
  const plan = makePlan(config.stages);
  const stopping = new AbortController();
  const unhook = hookSignals(stopping);
  const startedAt = Date.now();
  let progress: { note(text: string): void; stop(): void } | undefined;
  const notes: string[] = [];
  try {
    const { onError } = config.settings;
    const beside = join(dirname(resolve(file)), `${config.name}.rejects.jsonl`);
    const rejects = await Rejects.open({ ...onError, path: onError.path ?? beside });
    const result = await runPlan(plan, {
      rejects,
      signal: stopping.signal,
      tempDir: config.tempDir,
      provenance: new Map([
        ['nag.version', version()],
        ['nag.config', config.hash],
        ['nag.name', config.name],
      ]),
      note: (text) => {
        notes.push(text);
        progress?.note(text);
      },
      onStart: (stats) => {
        progress = showProgress(config.name, stats, process.stderr);
        for (const text of notes) progress.note(text);
      },
    });
    progress?.stop();
    process.stdout.write(summaryText(config.name, result, Date.now() - startedAt));
  } finally {
    progress?.stop();
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
