import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Account } from './account.js';
import { messageOf, NagError } from './errors.js';
import { runHook } from './hooks.js';
import type { Job } from './job.js';
import { watchLimits } from './limits.js';
import { openMetrics } from './metrics/metrics.js';
import { pathUses } from './preflight/path-uses.js';
import { Rejects } from './rejects.js';
import type { Level, Reporter } from './report.js';
import { type RunOptions, type RunResult, runPlan } from './run.js';
import { cacheFolder, spillFolder } from './state/folders.js';
import { runningText } from './state/lock.js';
import { readRecords, recordPath, writeRecord } from './state/records.js';
import { openState, type State } from './state/state.js';
import { removeExpired, runWithState } from './state/stateful.js';

const levels: Readonly<Record<string, Level>> = { complete: 'info', stopped: 'warn' };

/**
 * Runs a job from its start to its end: the lock of its state, limits, metrics, its record, hooks, and what is told.
 * Throws what the run fails with; then nothing is published.
 */
export async function supervise(job: Job, reporter: Reporter, stopping: AbortController): Promise<void> {
  const { settings, name } = job.config;
  const account = new Account(job);
  let state: State | undefined;
  let failure: unknown;
  try {
    state = await stateOf(job, reporter, stopping.signal);
    tellStart(job, reporter);
    await watched(job, state, account, reporter, stopping);
  } catch (error) {
    failure = error;
    const exitCode = account.failed(error);
    if (!isQuiet(error)) tellEnd(account, exitCode, error, reporter);
  }
  if (state) await writeRecord(state.dir, account.record()).catch((error) => reporter.note(messageOf(error)));
  await state?.close();
  const hook = failure === undefined ? settings.hooks.success : settings.hooks.failure;
  if (hook !== undefined && !isQuiet(failure)) {
    const { status, exitCode, error, manifest } = account.record();
    const facts = { run: job.id, name, status, exitCode: exitCode ?? 0, error };
    const record = state && recordPath(state.dir, job.id);
    await runHook(
      hook,
      { ...facts, record, manifest: manifest ?? undefined },
      { line: (message) => reporter.event('hook', { message }), note: reporter.note },
    );
  }
  if (failure !== undefined) throw failure;
}

async function stateOf(job: Job, reporter: Reporter, signal: AbortSignal): Promise<State | undefined> {
  const { name, settings } = job.config;
  if (settings.stateDir === undefined) return undefined;
  return await openState(settings.stateDir, {
    name,
    signal,
    ifRunning: settings.ifRunning,
    onWait: (running) => reporter.note(`${runningText(running)}; waiting for it`),
  });
}

/** The run itself, with its limits and metrics. */
async function watched(
  job: Job,
  state: State | undefined,
  account: Account,
  reporter: Reporter,
  stopping: AbortController,
): Promise<void> {
  const { settings, hash, name } = job.config;
  const tempDir = job.config.tempDir ?? (state && spillFolder(state.dir));
  const note = (text: string) => {
    account.note(text);
    reporter.note(text);
  };
  for (const text of job.config.notes) note(text);
  const limit = new AbortController();
  const limits = await watchLimits(settings.limits, {
    folders: [state?.dir, tempDir].flatMap((folder) => folder ?? []),
    outputs: outputsOf(job.plan),
    fail: (reason) => limit.abort(reason),
    note,
  });
  try {
    const metrics = await openMetrics(settings.metrics, {
      record: () => account.record(),
      stats: () => account.stats,
      lastSuccess: state && (await lastSuccess(state)),
      note,
    });
    if (metrics.url !== undefined)
      reporter.event('metrics', { message: `metrics at ${metrics.url}/metrics` });
    const options: RunOptions = {
      signal: AbortSignal.any([stopping.signal, limit.signal]),
      tempDir,
      cacheDir: state && cacheFolder(state.dir),
      paths: pathUses(job.config),
      provenance: new Map([
        ['nag.version', job.version],
        ['nag.config', hash],
        ['nag.name', name],
      ]),
      note,
      onStart: (stats) => {
        account.follow(stats);
        reporter.start(stats);
      },
    };
    try {
      const result = state
        ? await runWithState(job, state, options, account, reporter)
        : await runAlone(job, options, account);
      if (state) await tidy(job, state, account, options.signal, note);
      reporter.event('published', { files: result.files });
      reporter.summary(result, account.seconds);
      tellEnd(account, 0, undefined, reporter);
    } catch (error) {
      account.failed(error);
      throw error;
    } finally {
      reporter.stop();
      await metrics.close();
    }
  } finally {
    limits.stop();
  }
}

async function runAlone(job: Job, options: RunOptions, account: Account): Promise<RunResult> {
  const { file, name, settings } = job.config;
  const beside = join(dirname(resolve(file)), `${name}.rejects.jsonl`);
  const rejects = await Rejects.open({ ...settings.onError, path: settings.onError.path ?? beside });
  const result = await runPlan(job.plan, { ...options, rejects });
  account.published(result);
  account.complete();
  return result;
}

function isQuiet(failure: unknown): boolean {
  return failure instanceof NagError && failure.quiet;
}

/** Where sinks write: by custom their option `path` says so. */
function outputsOf({ nodes }: Job['plan']): string[] {
  const settings = [...nodes.values()].filter(({ component }) => component.kind === 'sink');
  return settings.flatMap(({ options }) => {
    const path =
      options !== null && typeof options === 'object' && 'path' in options ? options.path : undefined;
    return [path].flat().flatMap((own) => (typeof own === 'string' ? own : []));
  });
}

/** What is published stays published, whatever happens now. */
async function tidy(
  job: Job,
  state: State,
  account: Account,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<void> {
  try {
    await writeRecord(state.dir, account.record());
    for (const text of await removeExpired(job, state, signal)) note(text);
  } catch (error) {
    note(`what has expired could not be removed: ${messageOf(error)}`);
  }
}

async function lastSuccess({ dir }: State): Promise<number | undefined> {
  const { records } = await readRecords(dir);
  const last = records.find(({ status }) => status === 'complete')?.endedAt;
  return last ? Date.parse(last) / 1000 : undefined;
}

function tellStart({ config, version }: Job, reporter: Reporter): void {
  reporter.event('run started', {
    config: config.file,
    config_hash: config.hash,
    params: Object.fromEntries(config.params),
    version,
    pid: process.pid,
    host: hostname(),
  });
}

function tellEnd(account: Account, exitCode: number, failure: unknown, reporter: Reporter): void {
  const { status, seconds, peakMemoryBytes } = account.record();
  const error = failure === undefined ? null : messageOf(failure);
  const fields = { status, exit_code: exitCode, error, seconds, peak_memory_bytes: peakMemoryBytes };
  reporter.event('run ended', fields, levels[status] ?? 'error');
}
