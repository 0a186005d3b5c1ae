import { busySeconds } from '../busy.js';
import { rejectedRows, type StageStats } from '../stats.js';
import type { StageRecord } from './record.js';

/** The stages' figures as they stand. @param now of stages that still run, in milliseconds of the clock that never jumps */
export function stageRecords(stats: ReadonlyMap<string, StageStats>, now: number): StageRecord[] {
  return [...stats].map(([id, stage]) => stageRecord(id, stage, now));
}

export function stageRecord(id: string, stage: StageStats, now: number): StageRecord {
  const ends = { waiting: stage.startedAt, running: now, done: stage.endedAt };
  return {
    id,
    label: stage.label,
    kind: stage.kind,
    rowsIn: stage.rowsIn,
    rowsOut: stage.rowsOut,
    leftOut: Object.fromEntries(stage.leftOut),
    rejected: rejectedRows(stage),
    rejectedFor: Object.fromEntries(stage.rejected),
    figures: Object.fromEntries(stage.figures),
    seconds: (ends[stage.state] - stage.startedAt) / 1000,
    busySeconds: busySeconds(stage.busy, now),
  };
}
