import { count, duration } from './progress.js';
import type { Outcome } from './state/outcome.js';
import type { RunRecord } from './state/record.js';
import { table } from './table.js';

const longestRemark = 100;

/** Runs as a table, a line each. */
export function runsText(records: readonly RunRecord[], outcomeOf: (record: RunRecord) => Outcome): string {
  const header = ['run', 'started', 'took', 'status', 'exit', 'rows in', 'selected', 'files', ''];
  const rows = records.map((record) => {
    const outcome = outcomeOf(record);
    return [
      record.id,
      localTime(record.startedAt),
      `${outcome === 'killed' ? '> ' : ''}${duration(record.seconds)}`,
      outcome,
      record.exitCode === null ? '-' : String(record.exitCode),
      count(rowsIn(record)),
      outcome === 'complete' ? count(selectedRows(record)) : '-',
      filesText(record),
      remark(record, outcome),
    ];
  });
  return table(header, rows);
}

/** `2026-11-24 02:00:00`: where one is. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`;
}

/** When a run that does not say that it ended was last known to live: ISO 8601. */
export function lastSeen({ startedAt, seconds }: RunRecord): string {
  return new Date(Date.parse(startedAt) + 1000 * seconds).toISOString();
}

/** `; extract+top_k had done 12,345 rows`: of the stage with the most work. */
function progressText({ stages }: RunRecord): string {
  const work = ({ busySeconds, seconds }: RunRecord['stages'][number]) => busySeconds ?? seconds;
  const stage = stages.filter(({ rowsIn }) => rowsIn > 0).sort((a, b) => work(b) - work(a))[0];
  return stage
    ? `; ${stage.label} had done ${count(Math.max(stage.rowsOut, stage.kind === 'combine' ? stage.rowsIn : 0))} rows`
    : '';
}

/** Rows of all sources. */
function rowsIn({ stages }: RunRecord): number {
  return stages.reduce((sum, { kind, rowsIn }) => sum + (kind === 'source' ? rowsIn : 0), 0);
}

/** Rows that the last combine chose; where none chooses, those of the largest output. */
function selectedRows({ stages, outputs }: RunRecord): number {
  const chosen = stages.findLast(({ kind, rowsOut }) => kind === 'combine' && rowsOut > 0);
  return chosen?.rowsOut ?? Math.max(0, ...outputs.map(({ rows }) => rows));
}

function filesText({ inputs }: RunRecord): string {
  const parts = (['new', 'changed', 'gone'] as const).flatMap((what) => {
    const files = Object.values(inputs).reduce((sum, { counts }) => sum + counts[what], 0);
    return files > 0 ? `${count(files)} ${what}` : [];
  });
  return parts.length > 0 ? parts.join(', ') : 'as before';
}

function remark(record: RunRecord, outcome: Outcome): string {
  const seen =
    outcome === 'killed' ? [`last seen ${localTime(lastSeen(record))}${progressText(record)}`] : [];
  if (outcome === 'running') return `process ${record.process.pid} on ${record.process.host}`;
  const { attempts, stages, notes, error } = record;
  const rejected = stages.reduce((sum, stage) => sum + stage.rejected, 0);
  const parts = [
    ...seen,
    ...(error === null ? [] : [shortened(error)]),
    ...(attempts > 1 ? [`${count(attempts)} attempts`] : []),
    ...(rejected > 0 ? [`${count(rejected)} rejected`] : []),
    ...(notes.length > 0 ? [`${count(notes.length)} ${notes.length === 1 ? 'note' : 'notes'}`] : []),
  ];
  return parts.join(', ');
}

function shortened(text: string): string {
  const line = text.split('\n')[0]!;
  return line.length > longestRemark ? `${line.slice(0, longestRemark - 1)}…` : line;
}
