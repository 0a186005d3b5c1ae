import { count, duration } from './progress.js';
import type { RunResult } from './run.js';
import { leftOutRows, rejectedRows, type StageStats } from './stats.js';
import { table } from './table.js';

/** What happened, by stage: rows in = rows out + rows left out + rows rejected; then what sinks report, and the files written. */
export function summaryText(name: string, { stats, files, reports }: RunResult, ms: number): string {
  const stages = [...stats.values()];
  const rejects = stages.some((stage) => rejectedRows(stage) > 0);
  const header = ['stage', 'rows in', 'rows out', 'left out', ...(rejects ? ['rejected'] : []), 'time', ''];
  const peak = process.resourceUsage().maxRSS / 1024;
  return [
    `${name}: done in ${duration(ms / 1000)}, peak memory ${count(peak)} MB`,
    table(
      header,
      stages.map((stage) => summaryRow(stage, rejects)),
    ),
    ...reports.flatMap((report) => ['', report]),
    '',
    ...files.map((file) => `wrote ${file}`),
    '',
  ].join('\n');
}

function summaryRow(stage: StageStats, rejects: boolean): string[] {
  // A combine that yields a value ends the rows' way: all of them are in the value.
  const seconds = (stage.endedAt - stage.startedAt) / 1000;
  return [
    stage.label,
    count(stage.rowsIn),
    stage.kind === 'combine' && stage.rowsOut === 0 ? '-' : count(stage.rowsOut),
    count(leftOutRows(stage)),
    ...(rejects ? [count(rejectedRows(stage))] : []),
    duration(seconds),
    remarks(stage, seconds),
  ];
}

function remarks(stage: StageStats, seconds: number): string {
  const reasons = [...stage.leftOut].map(([reason, rows]) => `${count(rows)} ${reason}`);
  const rejected = [...stage.rejected].map(([reason, rows]) => `${count(rows)} rejected (${reason})`);
  const figures = [...stage.figures].map(([name, value]) => `${count(value)} ${name}`);
  const tokens = stage.kind === 'transform' ? stage.figures.get('tokens') : undefined;
  const rates =
    tokens === undefined || seconds === 0
      ? []
      : [`${count(stage.rowsOut / seconds)} documents/s`, `${count(tokens / seconds)} tokens/s`];
  return [...reasons, ...rejected, ...figures, ...rates].join(', ');
}
