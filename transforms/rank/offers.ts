import { type Batch, inputOrder } from '../../pipeline/batch.js';
import { distanceValues, type docidReader, tokenCounts } from './cells.js';
import type { Ranking } from './ranking.js';
import type { RankTarget } from './targets.js';

/** Documents that are offered to the rankings: what each is ranked by, and what it costs. */
export interface Offers {
  readonly rows: number;
  /** A target: [rows], smaller is better. */
  readonly scores: readonly Float64Array[];
  readonly tokens: Float64Array;
  /** The docid as bytes, good until the next call. */
  docid(row: number): Uint8Array | null;
  order(row: number): number;
}

export function offersOf(
  batch: Batch,
  targets: readonly RankTarget[],
  docids: ReturnType<typeof docidReader>,
): Offers {
  return {
    rows: batch.rows.length,
    scores: targets.map(({ column }) => distanceValues(batch, column)),
    tokens: tokenCounts(batch),
    docid: (row) => docids?.read(row) ?? null,
    order: (row) => inputOrder(batch, row),
  };
}

/** Offers each document to the ranking of each target; the rows that one of them keeps for now. */
export async function offer(rankings: readonly Ranking[], offers: Offers): Promise<Uint32Array> {
  const { rows, scores, tokens } = offers;
  const kept = new Uint32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    let keep = false;
    for (let target = 0; target < rankings.length; target++) {
      const score = scores[target]![row]!;
      const ranking = rankings[target]!;
      if (!ranking.mayTake(score)) continue;
      const taken = ranking.add(score, offers.docid(row), tokens[row]!, offers.order(row));
      // Only a full memory makes it wait: awaiting each would cost more than the ranking.
      if (typeof taken === 'boolean' ? taken : await taken) keep = true;
    }
    if (keep) kept[count++] = row;
  }
  return kept.slice(0, count);
}
