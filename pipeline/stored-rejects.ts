import { z } from 'zod';
import type { Bundle } from './batch.js';
import type { RejectedRows } from './rejects.js';
import type { Run } from './run.js';

/** A reject as it is kept: whatever the stages and the file are called today. */
const keptReject = z.strictObject({
  /** Place of the stage in the chain. */
  at: z.int().min(0),
  /** Row of the bundle. */
  row: z.int().min(0),
  rows: z.int().min(1),
  reason: z.string(),
  column: z.string().optional(),
});

type KeptReject = z.output<typeof keptReject>;

/** Rows of a bundle, from one to another. */
interface Rows {
  readonly bundle: Bundle;
  readonly from: number;
  readonly to: number;
}

/**
 * What the stages before a store reject goes with what is kept of the others: a run that reads these back, and has
 * not met the rejected ones, tells of them too.
 */
export function keepRejects(chain: readonly string[], run: Run) {
  let waiting: RejectedRows[] = [];
  const stop = run.rejects.listen((rejected) => {
    if (chain.includes(rejected.stage) && rejected.row !== undefined) waiting.push(rejected);
  });
  return {
    /** Those of some rows, to be kept with them; they are given once. */
    take: (rows: Rows): KeptReject[] => {
      const taken = waiting.filter((rejected) => isIn(rejected, rows));
      waiting = waiting.filter((rejected) => !taken.includes(rejected));
      return taken.map((rejected) => kept(rejected, rows.bundle, chain));
    },
    /** Tells of those that were kept; of how many rows they are. */
    tell: (bundle: Bundle, remarks: readonly unknown[]): number => {
      const all = z.array(keptReject).parse(remarks);
      for (const reject of all) tell(reject, bundle, chain, run);
      return all.reduce((sum, { rows }) => sum + rows, 0);
    },
    close: stop,
  };
}

function isIn({ file, row = -1 }: RejectedRows, { bundle, from, to }: Rows): boolean {
  return file === bundle.file && row >= bundle.firstRow + from && row < bundle.firstRow + to;
}

function kept(
  { stage, row = 0, rows, reason, column }: RejectedRows,
  bundle: Bundle,
  chain: readonly string[],
) {
  const place = { at: chain.indexOf(stage), row: row - bundle.firstRow, rows: rows ?? 1, reason };
  return column === undefined ? place : { ...place, column };
}

function tell(
  { at, row, rows, reason, column }: KeptReject,
  bundle: Bundle,
  chain: readonly string[],
  run: Run,
) {
  const node = run.plan.nodes.get(chain[at] ?? '');
  if (!node) throw new RangeError(`a reject of stage ${at}, of ${chain.length}`);
  run.stats.get(node.id)!.rowsIn += rows;
  run.contextOf(node).reject({ file: bundle.file, row: bundle.firstRow + row, column }, reason, { rows });
}
