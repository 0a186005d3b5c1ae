import { count, duration } from './progress.js';
import type { RunResult } from './run.js';
import { leftOutRows, type StageStats } from './stats.js';

/** What happened, by stage: rows in = rows out + rows left out. */
export function summaryText(name: string, { stats, files }: RunResult, ms: number): string {
  const header = ['stage', 'rows in', 'rows out', 'left out', 'time', ''];
  const rows = [...stats.values()].map(summaryRow);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 || i === 5 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const peak = process.resourceUsage().maxRSS / 1024;
  return [
    `${name}: done in ${duration(ms / 1000)}, peak memory ${count(peak)} MB`,
    line(header),
    ...rows.map(line),
    ...files.map((file) => `wrote ${file}`),
    '',
  ].join('\n');
}

function summaryRow(stage: StageStats): string[] {
  // A combine that yields a value ends the rows' way: all of them are in the value.
  const seconds = (stage.endedAt - stage.startedAt) / 1000;
  return [
    stage.label,
    count(stage.rowsIn),
    stage.kind === 'combine' && stage.rowsOut === 0 ? '-' : count(stage.rowsOut),
    count(leftOutRows(stage)),
    duration(seconds),
    remarks(stage, seconds),
  ];
}

function remarks(stage: StageStats, seconds: number): string {
  const reasons = [...stage.leftOut].map(([reason, rows]) => `${count(rows)} ${reason}`);
  const figures = [...stage.figures].map(([name, value]) => `${count(value)} ${name}`);
  const tokens = stage.kind === 'transform' ? stage.figures.get('tokens') : undefined;
  const rates =
    tokens === undefined || seconds === 0
      ? []
      : [`${count(stage.rowsOut / seconds)} documents/s`, `${count(tokens / seconds)} tokens/s`];
  return [...reasons, ...figures, ...rates].join(', ');
}
