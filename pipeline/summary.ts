import { peakMemoryBytes } from './peak-memory.js';
import { count, duration } from './progress.js';
import type { RunResult } from './run.js';
import { stagesTable } from './stages-table.js';
import { stageRecords } from './state/stage-records.js';

/** What happened, by stage; then what sinks report, and the files written. */
export function summaryText(name: string, { stats, files, reports }: RunResult, seconds: number): string {
  return [
    `${name}: done in ${duration(seconds)}, peak memory ${count(peakMemoryBytes() / 1024 ** 2)} MB`,
    stagesTable(stageRecords(stats, performance.now()), seconds),
    ...reports.flatMap((report) => ['', report]),
    '',
    ...files.map((file) => `wrote ${file}`),
    '',
  ].join('\n');
}
