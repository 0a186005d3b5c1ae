import { peakMemoryBytes } from './peak-memory.js';
import { isWorking, nowAndThen, paceOf } from './progress.js';
import type { Fields, Level, Reporter } from './report.js';
import type { StageRecord } from './state/record.js';
import { stageRecord, stageRecords } from './state/stage-records.js';
import type { StageStats } from './stats.js';

/**
 * For programs: a line of JSON for everything. All have `time` (ISO 8601), `level` (`info`, `warn`, `error`), `event`, and
 * `run` and `name` (the run's id and the pipeline's name; not in errors before there is a run). Rows are numbers of
 * rows, times seconds, memory bytes.
 *
 * - `run started`: config, config_hash, params, version, pid, host
 * - `stage started`: stage, label, kind
 * - `stage done`: stage, label, kind, rows_in, rows_out, left_out (rows by reason), rejected, figures (by name), seconds.
 *   A stage that two segments read, or that gives rows on once it has all of them (`rank`), starts and ends twice; its
 *   figures are of all so far
 * - `progress`, after 5 seconds and then every minute: stages, each with stage, label, state, rows, rows_per_second, and
 *   where known tokens_per_second, percent, seconds_left, doing (what it does before rows flow)
 * - `note`, level warn: message
 * - `retry`, level warn: message, attempt, wait_seconds
 * - `hook`: message, a line that a hook wrote
 * - `published`: files
 * - `summary`: stages (as in `stage done`), reports, files, seconds, peak_memory_bytes
 * - `run ended`: status (`complete`: info, `stopped`: warn, `failed`: error), exit_code, error (null or its message),
 *   seconds, peak_memory_bytes
 * - `error`, level error, the last line of a command that fails: message, exit_code; with --debug also stack
 */
export function jsonReporter(run: string, name: string, out: { write(text: string): unknown }): Reporter {
  let stopProgress: (() => void) | undefined;
  const event: Reporter['event'] = (what, fields, level = 'info') =>
    void out.write(jsonLine(level, what, { run, name, ...fields }));
  return {
    start: (stats) => {
      stopProgress?.();
      for (const [id, stage] of stats) stage.watch = () => tellStage(id, stage, event);
      stopProgress = nowAndThen(() => event('progress', { stages: progressOf(stats) }));
    },
    note: (message) => event('note', { message }, 'warn'),
    event,
    summary: ({ stats, files, reports }, seconds) =>
      event('summary', {
        stages: stageRecords(stats, performance.now()).map(stageFields),
        reports,
        files,
        seconds,
        peak_memory_bytes: peakMemoryBytes(),
      }),
    stop: () => stopProgress?.(),
  };
}

/** A line of the log, with its end. */
export function jsonLine(level: Level, event: string, fields: Fields): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`;
}

function tellStage(id: string, stats: StageStats, event: Reporter['event']): void {
  const fields = stageFields(stageRecord(id, stats, performance.now()));
  const { stage, label, kind } = fields;
  if (stats.state === 'done') event('stage done', fields);
  else event('stage started', { stage, label, kind });
}

function stageFields({ id, label, kind, rowsIn, rowsOut, leftOut, rejected, figures, seconds }: StageRecord) {
  return {
    stage: id,
    label,
    kind,
    rows_in: rowsIn,
    rows_out: rowsOut,
    left_out: leftOut,
    rejected,
    figures,
    seconds,
  };
}

function progressOf(stats: ReadonlyMap<string, StageStats>) {
  const begun = [...stats].filter(([, stage]) => stage.state !== 'waiting' || isWorking(stage));
  return begun.map(([id, stage]) => {
    const { label, state, doing } = stage;
    if (state === 'waiting') return { stage: id, label, state, doing };
    const { rows, rowRate, tokenRate, percent, secondsLeft } = paceOf(stage, performance.now());
    return {
      stage: id,
      label,
      state,
      rows,
      rows_per_second: rowRate,
      tokens_per_second: tokenRate,
      percent,
      seconds_left: secondsLeft,
      doing,
    };
  });
}
