import { type Batch, keepRows, placeOf } from './batch.js';
import type { Reject, Rejection } from './component.js';
import { isBadData } from './errors.js';

/** What is wrong with a row. */
export interface Fault {
  readonly reason: string;
  readonly column?: string | undefined;
  readonly cause?: unknown;
}

/** The batch without the rows of which `faultOf` (by position) finds something wrong: these are rejected. */
export function withoutFaults(
  batch: Batch,
  faultOf: (row: number) => Fault | undefined,
  reject: Reject,
): Batch {
  return keepRows(batch, usableRows(batch, faultOf, reject));
}

/** Positions of the rows that stay. */
export function usableRows(
  batch: Batch,
  faultOf: (row: number) => Fault | undefined,
  reject: Reject,
): Uint32Array {
  const usable = new Uint32Array(batch.rows.length);
  let count = 0;
  for (let row = 0; row < usable.length; row++) {
    const fault = faultOf(row);
    if (fault) reject(placeOf(batch, row, fault.column), fault.reason, { cause: fault.cause });
    else usable[count++] = row;
  }
  return usable.subarray(0, count);
}

/** What `work` gives; undefined where data are bad, which is rejected. Other errors are thrown. */
export function orReject<T>(work: () => T, reject: Reject, more: Rejection = {}): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isBadData(error)) throw error;
    reject(error.place, error.reason, { ...more, cause: error });
    return undefined;
  }
}
