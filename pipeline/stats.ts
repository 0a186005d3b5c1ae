import type { Batch } from './batch.js';
import { type Busy, createBusy, timed } from './busy.js';

/** What a stage has done so far. Every row that came in went on, was left out or rejected for a reason, or is still inside. */
export interface StageStats {
  /** `extract+top_k` for a fused stage. */
  readonly label: string;
  readonly kind: 'source' | 'transform' | 'combine' | 'sink';
  rowsIn: number;
  rowsOut: number;
  /** Rows that it has worked through, given on or still held back. */
  worked: number;
  readonly leftOut: Map<string, number>;
  /** Rows that could not be used, by what was wrong with them. */
  readonly rejected: Map<string, number>;
  /** Other figures, such as `tokens`. */
  readonly figures: Map<string, number>;
  /** Rows that will come, where that is known. */
  expected: number | undefined;
  /** What it is busy with before rows flow. */
  doing: string | undefined;
  state: 'waiting' | 'running' | 'done';
  /** In milliseconds of the clock that never jumps; 0: not yet. */
  startedAt: number;
  endedAt: number;
  /** How long it worked, without the time in which it waited for others. */
  readonly busy: Busy;
  /** Told each time that it starts or ends: a stage that two segments read does so twice. */
  watch: (() => void) | undefined;
}

export function createStats(label: string, kind: StageStats['kind']): StageStats {
  return {
    label,
    kind,
    rowsIn: 0,
    rowsOut: 0,
    worked: 0,
    leftOut: new Map(),
    rejected: new Map(),
    figures: new Map(),
    expected: undefined,
    doing: undefined,
    state: 'waiting',
    startedAt: 0,
    endedAt: 0,
    busy: createBusy(),
    watch: undefined,
  };
}

/** Adds to one of the named counts. */
export function addTo(counts: Map<string, number>, name: string, amount: number): void {
  counts.set(name, (counts.get(name) ?? 0) + amount);
}

export function leftOutRows(stats: StageStats): number {
  return sumOf(stats.leftOut);
}

export function rejectedRows(stats: StageStats): number {
  return sumOf(stats.rejected);
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, rows) => sum + rows, 0);
}

const mostReasons = 10;

/** Counts rejected rows by the first words of the reason: what follows names values, and is another for each row. */
export function addRejected({ rejected }: StageStats, reason: string, rows: number): void {
  const what = reason.split(/[:;,]/, 1)[0]!;
  addTo(rejected, rejected.has(what) || rejected.size < mostReasons ? what : 'for other reasons', rows);
}

/** Counts the rows that come in, and the time in which the stage waits for them. */
export async function* counted(input: AsyncIterable<Batch>, stats: StageStats): AsyncGenerator<Batch> {
  for await (const batch of timed(input, stats.busy, 'waiting')) {
    stats.rowsIn += batch.rows.length;
    yield batch;
  }
}

/** Notes when a stage starts and ends, and what came in and went on without a reason given. */
export async function* clocked(output: AsyncIterable<Batch>, stats: StageStats): AsyncGenerator<Batch> {
  start(stats);
  for await (const batch of timed(output, stats.busy, 'asked')) {
    stats.rowsOut += batch.rows.length;
    yield batch;
  }
  finish(stats);
}

export function start(stats: StageStats): void {
  if (stats.state === 'running') return;
  stats.state = 'running';
  if (stats.startedAt === 0) stats.startedAt = performance.now();
  stats.watch?.();
}

export function finish(stats: StageStats): void {
  stats.state = 'done';
  stats.endedAt = performance.now();
  const silent = stats.rowsIn - stats.rowsOut - leftOutRows(stats) - rejectedRows(stats);
  if (stats.kind === 'transform' && silent > 0) addTo(stats.leftOut, 'by the stage, no reason given', silent);
  stats.watch?.();
}
