import { randomInt } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceDurably } from '../durable.js';
import { DataError, messageOf } from '../errors.js';
import type { RunRecord } from './record.js';
import { recordShape } from './record-shape.js';

/** What a state folder remembers. */
export interface Records {
  /** The newest first. */
  readonly records: readonly RunRecord[];
  /** Files that should be records. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

const name = /^\d{8}T\d{6}Z-[0-9a-f]{4}\.json$/;

/** `20261124T020000Z-1f3a`: ids sort by time, of which the first three digits behind the second are milliseconds in hex. */
export function newRunId(now: Date): string {
  const milliseconds = now.getUTCMilliseconds().toString(16).padStart(3, '0');
  return `${now.toISOString().replace(/[-:]|\.\d+/g, '')}-${milliseconds}${randomInt(16).toString(16)}`;
}

/** Where the record of a run is. */
export function recordPath(stateDir: string, id: string): string {
  return join(stateDir, 'runs', `${id}.json`);
}

/** All records of a folder. Errors: DataError where the folder cannot be read; none is fine. */
export async function readRecords(stateDir: string): Promise<Records> {
  const records: RunRecord[] = [];
  const damaged: { path: string; reason: string }[] = [];
  for (const file of (await recordFiles(stateDir)).reverse()) {
    const path = join(stateDir, 'runs', file);
    try {
      const { data, error } = recordShape.safeParse(JSON.parse(await readFile(path, 'utf8')));
      if (data) records.push(data);
      else damaged.push({ path, reason: `${error.issues[0]!.path.join('.')}: ${error.issues[0]!.message}` });
    } catch (error) {
      damaged.push({ path, reason: messageOf(error) });
    }
  }
  return { records, damaged };
}

/** Writes a record, or replaces it; durable on return. Errors: DataError. */
export async function writeRecord(stateDir: string, record: RunRecord): Promise<string> {
  const path = recordPath(stateDir, record.id);
  try {
    await mkdir(join(stateDir, 'runs'), { recursive: true });
    await replaceDurably(path, `${JSON.stringify(record, null, 2)}\n`, 0o644);
  } catch (cause) {
    throw new DataError({ file: path }, `the record of the run cannot be written: ${messageOf(cause)}`, {
      cause,
    });
  }
  return path;
}

/** Forgets all but the newest runs, and what a killed process left half written. For the holder of the lock. */
export async function pruneRecords(stateDir: string, keep: number): Promise<void> {
  const files = await recordFiles(stateDir);
  const leftovers = (await entriesOf(stateDir)).filter((entry) => /^\..*\.tmp$/.test(entry));
  for (const file of [...files.slice(0, Math.max(0, files.length - keep)), ...leftovers])
    await rm(join(stateDir, 'runs', file), { force: true });
}

/** The oldest first. */
async function recordFiles(stateDir: string): Promise<string[]> {
  return (await entriesOf(stateDir)).filter((entry) => name.test(entry)).sort();
}

async function entriesOf(stateDir: string): Promise<string[]> {
  const folder = join(stateDir, 'runs');
  try {
    return await readdir(folder);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new DataError({ file: folder }, `cannot be read: ${messageOf(cause)}`, { cause });
  }
}
