import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { OpenSource } from '../component.js';
import { NagError } from '../errors.js';
import { count } from '../progress.js';
import type { FileDigests } from '../store/file-digests.js';
import { type InputFile, type InputFiles, listInputs, withDigest } from './input-files.js';
import type { InputRecord } from './record.js';

/** What a run reads, compared with what the last complete run read. */
export interface Inputs {
  /** By source. */
  readonly records: Readonly<Record<string, InputRecord>>;
  readonly files: InputFiles;
  /** Files with another content under the same path. */
  readonly changed: readonly ChangedFile[];
}

interface ChangedFile {
  readonly source: string;
  readonly then: InputFile;
  readonly now: InputFile;
}

/** Names that are listed; more are counted. */
const mostNamed = 20;

/**
 * Looks at the files of all sources. A file with the size and the time of change that it had is the same. One of the same
 * size and another time is read, where the digest of its content then is known; where that is not, it has changed.
 * @param previous undefined where there is no complete run yet: all files are new
 * @param digests of the folder in which finished work is kept
 * Errors: DataError for a file that cannot be read; the signal's reason.
 */
export async function describeInputs(
  sources: ReadonlyMap<string, OpenSource>,
  previous: InputFiles | undefined,
  digests: FileDigests,
  signal: AbortSignal,
): Promise<Inputs> {
  const records: Record<string, InputRecord> = {};
  const files = new Map<string, readonly InputFile[]>();
  const allChanged: ChangedFile[] = [];
  for (const [id, source] of sources) {
    const before = new Map(previous?.get(id)?.map((file) => [file.path, file]));
    const own: InputFile[] = [];
    const [added, changed]: [string[], string[]] = [[], []];
    for (const listed of await listInputs(source, digests, signal)) {
      const then = before.get(listed.path);
      before.delete(listed.path);
      const now = then ? await compared(listed, then, digests, signal) : listed;
      own.push(now);
      if (!then) added.push(now.path);
      else if (!isSame(then, now)) {
        changed.push(now.path);
        allChanged.push({ source: id, then, now });
      }
    }
    files.set(id, own);
    records[id] = recordOf(own, source.rows, { new: added, gone: [...before.keys()], changed });
  }
  return { records, files, changed: allChanged };
}

/** At the end of a run: with the digests of what has been read since. */
export function withDigests(inputs: Inputs, digests: FileDigests): Inputs {
  const files = new Map(
    [...inputs.files].map(([id, own]) => [id, own.map((file) => withDigest(file, digests))]),
  );
  const records = Object.entries(inputs.records).map(([id, record]): [string, InputRecord] => [
    id,
    { ...record, fingerprint: fingerprintOf(files.get(id)!) },
  ]);
  return { ...inputs, files, records: Object.fromEntries(records) };
}

/** Throws where a file has another content than in the last complete run. New files are fine, and so are those gone. */
export function requireUnchanged({ changed }: Inputs): void {
  if (changed.length === 0) return;
  const state = ({ bytes, changedAt, sha256 }: InputFile) =>
    [
      `${count(bytes)} bytes`,
      changedAt === null ? [] : `changed ${new Date(changedAt).toISOString()}`,
      sha256 === null ? [] : `sha256 ${sha256.slice(0, 12)}…`,
    ]
      .flat()
      .join(', ');
  const lines = changed
    .slice(0, mostNamed)
    .map(({ source, then, now }) => `  ${source}: ${now.path}: ${state(now)}; it had ${state(then)}`);
  const more = changed.length - lines.length;
  throw new NagError(
    [
      `input has changed since the last complete run (files: ${count(changed.length)}), and if_changed is refuse; put back what was there, or set if_changed: redo:`,
      ...lines,
      ...(more > 0 ? [`  and ${count(more)} more`] : []),
    ].join('\n'),
  );
}

/** `pool: 41 files, 1,234 MB (1 new: z.parquet; 1 changed: b.parquet; 1 gone: a.parquet)` */
export function inputText(source: string, { files, bytes, counts, ...names }: InputRecord): string {
  const named = (what: 'new' | 'changed' | 'gone') => {
    const [first, second] = [names[what].slice(0, 3), counts[what] > 3 ? ', …' : ''];
    return counts[what] === 0
      ? []
      : `${count(counts[what])} ${what}: ${first.map((path) => basename(path)).join(', ')}${second}`;
  };
  const differences = [named('new'), named('changed'), named('gone')].flat();
  const same = differences.length === 0 ? 'as in the last run' : differences.join('; ');
  const all = counts.new === files && counts.gone === 0 ? 'all new' : same;
  return `${source}: ${count(files)} ${files === 1 ? 'file' : 'files'}, ${count(bytes / 1e6)} MB (${all})`;
}

/** Reads a file whose time of change is the only difference: it may have been copied, or touched. */
async function compared(now: InputFile, then: InputFile, digests: FileDigests, signal: AbortSignal) {
  if (now.bytes !== then.bytes) return now;
  if (now.changedAt === then.changedAt) return { ...now, sha256: now.sha256 ?? then.sha256 };
  if (then.sha256 === null || now.changedAt === null) return now;
  return { ...now, sha256: await digests.of(now.path, signal) };
}

function isSame(then: InputFile, now: InputFile): boolean {
  if (then.bytes !== now.bytes) return false;
  return then.changedAt === now.changedAt || (then.sha256 !== null && then.sha256 === now.sha256);
}

function recordOf(
  files: readonly InputFile[],
  rows: number | undefined,
  names: Readonly<Record<'new' | 'gone' | 'changed', readonly string[]>>,
): InputRecord {
  return {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    rows: rows ?? null,
    fingerprint: fingerprintOf(files),
    new: names.new.slice(0, mostNamed),
    gone: names.gone.slice(0, mostNamed),
    changed: names.changed.slice(0, mostNamed),
    counts: { new: names.new.length, gone: names.gone.length, changed: names.changed.length },
  };
}

function fingerprintOf(files: readonly InputFile[]): string | null {
  if (files.some(({ changedAt }) => changedAt === null)) return null;
  const known = files.every(({ sha256 }) => sha256 !== null);
  const identities = files.map(({ bytes, changedAt, sha256 }) => sha256 ?? `${bytes} ${changedAt}`).sort();
  const digest = createHash('sha256').update(identities.join('\n')).digest('hex');
  return known ? digest : `stat:${digest}`;
}
