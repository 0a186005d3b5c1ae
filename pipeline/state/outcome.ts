import type { RunRecord } from './record.js';

/** How a run ended, or that it goes on. */
export type Outcome = RunRecord['status'] | 'killed';

/** @param isAlive whether the process that wrote a record still runs */
export function outcomeOf(record: RunRecord, isAlive: (record: RunRecord) => boolean): Outcome {
  return record.status === 'running' && !isAlive(record) ? 'killed' : record.status;
}
