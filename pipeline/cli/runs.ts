import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { ConfigError } from '../config/problems.js';
import { NagError } from '../errors.js';
import { runText } from '../run-text.js';
import { lastSeen, runsText } from '../runs-text.js';
import { outcomeOf } from '../state/outcome.js';
import type { RunRecord } from '../state/record.js';
import { readRecords } from '../state/records.js';
import { loadForCommand } from './load.js';

export type RunsFormat = 'text' | 'json';

/** `nag-pipeline runs list`: the runs that a state folder remembers. */
export async function runsListCommand(
  given: string,
  set: readonly string[],
  format: RunsFormat,
): Promise<void> {
  const { records, stateDir } = await recordsOf(given, set);
  if (format === 'json') print(JSON.stringify(records.map(withOutcome), null, 2));
  else if (records.length === 0) print(`no runs yet in ${stateDir}`);
  else print(runsText(records, outcome));
}

/** `nag-pipeline runs show`: a run, by its id or how that begins; `last` is the newest. */
export async function runsShowCommand(
  given: string,
  id: string,
  set: readonly string[],
  format: RunsFormat,
): Promise<void> {
  const { records, stateDir } = await recordsOf(given, set);
  if (records.length === 0) throw new NagError(`no runs yet in ${stateDir}`);
  const record = find(records, id);
  print(format === 'json' ? JSON.stringify(withOutcome(record), null, 2) : runText(record, outcome(record)));
}

/** @param given a configuration or a state folder */
async function recordsOf(given: string, set: readonly string[]) {
  const isFolder = (await stat(given).catch(() => undefined))?.isDirectory();
  const stateDir = isFolder ? given : (await loadForCommand(given, set)).settings.stateDir;
  if (stateDir === undefined)
    throw new ConfigError(`${given}: it has no state_dir, so nothing is remembered of its runs`);
  const { records, damaged } = await readRecords(stateDir);
  for (const { path, reason } of damaged)
    process.stderr.write(`note: ${path} is damaged, and left out: ${reason}\n`);
  return { records, stateDir };
}

function find(records: readonly RunRecord[], id: string): RunRecord {
  const [found, ...others] =
    id === 'last' ? records.slice(0, 1) : records.filter((run) => run.id.startsWith(id));
  if (!found)
    throw new ConfigError(
      `there is no run "${id}" (the last ones: ${records
        .slice(0, 5)
        .map((run) => run.id)
        .join(', ')}); see nag-pipeline runs list`,
    );
  if (others.length > 0)
    throw new ConfigError(
      `"${id}" may be one of ${others.length + 1} runs, from ${others.at(-1)!.id} to ${found.id}: give more of the id`,
    );
  return found;
}

const outcome = (record: RunRecord) => outcomeOf(record, isAlive);

function withOutcome(record: RunRecord) {
  const status = outcome(record);
  return { ...record, status, ...(status === 'killed' ? { lastSeenAt: lastSeen(record) } : {}) };
}

/** What another machine's processes do cannot be seen from here: they are believed. */
function isAlive({ process: { pid, host } }: RunRecord): boolean {
  if (host !== hostname()) return true;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
