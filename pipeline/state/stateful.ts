import type { Account } from '../account.js';
import type { Job } from '../job.js';
import { count } from '../progress.js';
import { writeManifest } from '../publication/manifest.js';
import { expiredOutputs, removeOutputs } from '../publication/retention.js';
import { Rejects } from '../rejects.js';
import type { Reporter } from '../report.js';
import { withRetries } from '../retry.js';
import { type RunOptions, type RunResult, runPlan } from '../run.js';
import { FileDigests } from '../store/file-digests.js';
import { removeUnused } from '../store/unused.js';
import { recallInputs, rememberInputs } from './input-files.js';
import { describeInputs, type Inputs, inputText, requireUnchanged, withDigests } from './inputs.js';
import { openMemory } from './memory.js';
import { pruneRecords, readRecords, writeRecord } from './records.js';
import type { State } from './state.js';

/** While it goes on, a run's record is written this often. */
const recordMs = 10_000;

/**
 * A run with a state folder: it goes on from what earlier runs have finished, what passes is tried again, all outputs
 * become visible at one moment, and the manifest is written last. What it leaves for the next run counts from then on.
 */
export async function runWithState(
  job: Job,
  state: State,
  options: RunOptions,
  account: Account,
  reporter: Reporter,
): Promise<RunResult> {
  const { retries, keep } = job.config.settings;
  const timer = setInterval(() => {
    writeRecord(state.dir, account.record()).catch(() => undefined);
  }, recordMs).unref();
  try {
    await writeRecord(state.dir, account.record());
    return await withRetries(
      async (attempt) => {
        account.attempts = attempt;
        return await attemptRun(job, state, options, account);
      },
      {
        attempts: retries.attempts,
        wait: retries.wait,
        signal: options.signal,
        onRetry: (error, attempt, seconds) => {
          const message = `${error instanceof Error ? error.message : String(error)}; tried again in ${seconds} s`;
          reporter.event('retry', { message, attempt, wait_seconds: seconds }, 'warn');
        },
      },
    );
  } finally {
    clearInterval(timer);
    await pruneRecords(state.dir, keep.runs);
  }
}

async function attemptRun(job: Job, state: State, options: RunOptions, account: Account): Promise<RunResult> {
  const { onError, ifChanged, manifest } = job.config.settings;
  const { signal, note = () => undefined } = options;
  const memories = await openMemory(state.memory, signal, note);
  let inputs: Inputs | undefined;
  const rejects = await Rejects.open({ ...onError, path: onError.path ?? state.quarantine(job.id) });
  try {
    const result = await runPlan(job.plan, {
      ...options,
      together: true,
      rejects,
      ifChanged,
      memory: memories.of,
      onSources: async (sources) => {
        const digests = await FileDigests.open(state.work);
        inputs = await describeInputs(sources, await recallInputs(memories.of('')), digests, signal);
        account.reads(inputs.records);
        if (ifChanged === 'refuse') requireUnchanged(inputs);
      },
      beforePublishing: state.requireHeld,
    });
    if (!inputs) throw new TypeError('a run without sources');
    const seen = withDigests(inputs, await FileDigests.open(state.work));
    await rememberInputs(seen.files, memories.of(''));
    account.reads(seen.records);
    account.published(result);
    account.complete();
    const path = manifest ?? state.manifest;
    for (const file of new Set([state.manifest, path])) await writeManifest(file, account.record());
    account.manifest = path;
    await memories.commit();
    const told = Object.entries(seen.records).map(([id, record]) => inputText(id, record));
    return { ...result, reports: [told.join('\n'), ...result.reports] };
  } catch (error) {
    await memories.discard().catch(() => undefined);
    throw error;
  } finally {
    account.quarantine = rejects.path ?? null;
  }
}

/**
 * After a complete run: removes the outputs of those before the newest so many, and finished work that no run has used
 * for so long. What is to be told of it.
 */
export async function removeExpired(job: Job, state: State, signal: AbortSignal): Promise<string[]> {
  const { outputs, work } = job.config.settings.keep;
  const told: string[] = [];
  if (outputs !== undefined) {
    const { records } = await readRecords(state.dir);
    told.push(...(await removeOutputs(expiredOutputs(records, outputs), signal)));
  }
  if (work !== undefined) {
    const bytes = await removeUnused(state.work, new Date(Date.now() - 1000 * work));
    if (bytes > 0)
      told.push(
        `${state.work}: ${count(bytes / 1e6)} MB are removed, which no run has used for so long as keep.work says`,
      );
  }
  return told;
}
