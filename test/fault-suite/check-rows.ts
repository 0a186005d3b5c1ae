import { realpathSync } from 'node:fs';
import type { Test } from 'tap';
import { outcomesText, type Row } from './row.js';
import type { PartSettings } from './settings.js';

/** The part of the suite that a machine with two cores does in some minutes. */
export function small(t: Test, count: number): PartSettings {
  return { folder: realpathSync(t.testdir()), seed: 1, count, workers: 1 };
}

/** Nothing happened that must not; and something was tried, or the row says why not. */
export function checkRows(t: Test, rows: readonly Row[]): void {
  for (const row of rows) {
    t.strictSame(row.defects, [], `${row.what}: ${outcomesText(row)}`);
    if (row.note.startsWith('NOT RUN')) t.pass(row.what, { skip: row.note });
    else t.ok(row.tried > 0, `${row.what}: ${row.tried} tried`);
  }
}
