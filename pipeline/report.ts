import type { RunResult } from './run.js';
import type { StageStats } from './stats.js';

export type Level = 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, unknown>>;

/** Tells of a run while it goes on: as text for people, or as JSON for programs. Nothing that it does can fail a run. */
export interface Reporter {
  /** Tells of progress from now on, until `stop`. */
  start(stats: ReadonlyMap<string, StageStats>): void;
  /** A remark that somebody should see. */
  note(text: string): void;
  /** What happens; `json-log.ts` has the names and fields. Text shows those that have a `message`. */
  event(name: string, fields?: Fields, level?: Level): void;
  /** The run is complete. */
  summary(result: RunResult, seconds: number): void;
  /** No more progress; may be called again. */
  stop(): void;
}
