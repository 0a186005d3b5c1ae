import type { RunRecord } from '../state/record.js';
import type { StageStats } from '../stats.js';

const stuckAfterMs = 15 * 60_000;

/** Answers whether a run is well: it has not failed, and something has moved within 15 minutes. */
export class Health {
  #seen = '';
  #movedAt: number;

  /** @param now milliseconds of a clock that never jumps */
  constructor(now: number) {
    this.#movedAt = now;
  }

  /** Looks at the stages; to be called now and then, so that a standstill is noticed in time. */
  look(stats: ReadonlyMap<string, StageStats>, now: number): void {
    const seen = JSON.stringify([...stats.values()].map(movement));
    if (seen !== this.#seen) this.#movedAt = now;
    this.#seen = seen;
  }

  /** The body and the status code of an answer. */
  answer({ status, name, id }: RunRecord, now: number) {
    const still = Math.round((now - this.#movedAt) / 1000);
    const stuck = status === 'running' && now - this.#movedAt >= stuckAfterMs;
    const well = !stuck && status !== 'failed' && status !== 'stopped';
    const body = { status: stuck ? 'stuck' : status, name, run: id, seconds_since_movement: still };
    return { code: well ? 200 : 503, body };
  }
}

function movement({ rowsIn, rowsOut, worked, state, doing, figures }: StageStats) {
  return [rowsIn, rowsOut, worked, state, doing, ...figures.values()];
}
