import { count, duration } from './progress.js';
import type { StageRecord } from './state/record.js';
import { table } from './table.js';

/**
 * Stages, a line each: rows in = rows out + left out + rejected; then the time that each was at work, and its share of the
 * run's (several may work at once), reasons, figures and rates.
 * @param seconds of the whole run
 */
export function stagesTable(stages: readonly StageRecord[], seconds: number): string {
  const rejects = stages.some(({ rejected }) => rejected > 0);
  const header = [
    'stage',
    'rows in',
    'rows out',
    'left out',
    ...(rejects ? ['rejected'] : []),
    'time',
    'share',
    '',
  ];
  const rows = stages.map((stage) => [
    stage.label,
    count(stage.rowsIn),
    // A combine that yields a value ends the rows' way: all of them are in the value.
    stage.kind === 'combine' && stage.rowsOut === 0 ? '-' : count(stage.rowsOut),
    count(leftOutOf(stage)),
    ...(rejects ? [count(stage.rejected)] : []),
    duration(workOf(stage)),
    seconds > 0 ? `${Math.round((100 * workOf(stage)) / seconds)} %` : '-',
    remarks(stage),
  ]);
  return table(header, rows);
}

function workOf({ busySeconds, seconds }: StageRecord): number {
  return busySeconds ?? seconds;
}

export function leftOutOf({ leftOut }: StageRecord): number {
  return Object.values(leftOut).reduce((sum, rows) => sum + rows, 0);
}

function remarks(stage: StageRecord): string {
  const { kind, rowsOut, leftOut, rejectedFor, figures } = stage;
  const seconds = workOf(stage);
  const named = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([name, value]) => `${count(value)} ${name}`);
  const tokens = kind === 'transform' ? figures['tokens'] : undefined;
  const rates =
    tokens === undefined || seconds === 0
      ? []
      : [`${count(rowsOut / seconds)} documents/s`, `${count(tokens / seconds)} tokens/s`];
  const rejected = Object.entries(rejectedFor).map(([reason, rows]) => `${count(rows)} rejected (${reason})`);
  return [...named(leftOut), ...rejected, ...named(figures), ...rates].join(', ');
}
