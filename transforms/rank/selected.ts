import { Float64, Int32, makeBuilder, makeData, Utf8 } from 'apache-arrow';
import { gatherBatch } from '../../pipeline/arrow/gather.js';
import { type Batch, inputOrder, withColumn, withoutColumns } from '../../pipeline/batch.js';
import { distanceColumn } from '../score.js';
import { selectionChanges } from './changes.js';
import { type Choice, inInputOrder } from './choice.js';
import type { RankPartial, RankState } from './partial.js';
import type { RankTarget } from './targets.js';

/** Column of places in the ranking, from 0. Its metadata tell how many there are. */
export const rankColumn = 'nag_rank';

/** Column of the target that a row was chosen for, where targets have names. */
export const targetColumn = 'target';

/** Column of distance and quality together (NAG.md §5). */
export const combinedColumn = 'combined_score';

/**
 * The chosen documents with all columns of the pool, in input order, one that several targets chose once for each; and
 * what they were chosen by.
 */
export async function* selectedRows(
  choice: Choice,
  partial: RankPartial,
  { settings, context }: RankState,
): AsyncGenerator<Batch> {
  const places = inInputOrder(choice);
  const { removed = new Set<string>(), roles = {}, targets = unnamed } = partial.shape ?? {};
  const rows = context.reread(distinct(choice, places), removed);
  const changes = selectionChanges(choice, targets, context);
  let at = 0;
  for await (const batch of partial.computed.attach(rows)) {
    if (batch.columns.getChild(targetColumn) && targets[0]!.name !== undefined)
      context.note(`the pool's own column "${targetColumn}" is replaced`);
    const positions: number[] = [];
    const start = at;
    for (let row = 0; row < batch.rows.length; row++)
      for (; choice.order[places[at]!] === inputOrder(batch, row); at++) positions.push(row);
    const own = { ...batch, roles: { ...batch.roles, ...roles } };
    // What several targets chose makes a batch no larger.
    const size = Math.max(1, batch.rows.length);
    for (let from = 0; from === 0 || from < positions.length; from += size) {
      const part = repeated(own, Uint32Array.from(positions.slice(from, from + size)));
      const chosen = places.subarray(start + from, start + from + part.rows.length);
      const out = withRanks(part, chosen, choice, targets, settings.quality !== undefined);
      changes?.add(out, chosen);
      yield out;
    }
  }
  await changes?.finish();
}

const unnamed: readonly RankTarget[] = [{ name: undefined, column: distanceColumn }];

/** The input order of each chosen document once. */
function distinct({ order }: Choice, places: Uint32Array): Float64Array {
  const orders = Float64Array.from(places, (place) => order[place]!);
  return orders.filter((value, i) => value !== orders[i - 1]);
}

function repeated(batch: Batch, positions: Uint32Array): Batch {
  if (positions.length === batch.rows.length && positions.every((row, i) => row === i)) return batch;
  return {
    ...batch,
    columns: gatherBatch(batch.columns, positions),
    rows: positions.map((row) => batch.rows[row]!),
  };
}

/** The columns that chosen documents have, of a batch without rows. */
export function withoutChosen(batch: Batch, targets: readonly RankTarget[], withQuality: boolean): Batch {
  const none = {
    order: new Float64Array(0),
    target: new Uint32Array(0),
    score: new Float64Array(0),
    tokens: 0,
  };
  return withRanks(batch, new Uint32Array(0), none, targets, withQuality);
}

/** @param places those of the rows */
function withRanks(
  batch: Batch,
  places: Uint32Array,
  choice: Choice,
  targets: readonly RankTarget[],
  withQuality: boolean,
): Batch {
  const target = Array.from(places, (place) => targets[choice.target[place]!]!);
  const scores = Float64Array.from(places, (place) => choice.score[place]!);
  const columns = targets.map(({ column }) => column).filter((column) => column !== distanceColumn);
  let out = withFloats(
    withoutColumns(batch, columns),
    distanceColumn,
    withQuality ? distancesOf(batch, target) : scores,
  );
  if (withQuality) out = withFloats(out, combinedColumn, scores);
  if (targets[0]!.name !== undefined) out = withColumn(out, targetColumn, names(target));
  const ranks = makeData({ type: new Int32(), data: Int32Array.from(places), nullCount: 0 });
  const metadata = new Map([['nag.rows', String(choice.order.length)]]);
  return withColumn(out, rankColumn, ranks, { metadata });
}

/** Each row's distance to the target that chose it. */
function distancesOf({ columns }: Batch, target: readonly RankTarget[]): Float64Array {
  return Float64Array.from(target, ({ column }, row) => Number(columns.getChild(column)!.get(row)));
}

function withFloats(batch: Batch, name: string, data: Float64Array): Batch {
  return withColumn(batch, name, makeData({ type: new Float64(), data, nullCount: 0 }));
}

function names(targets: readonly RankTarget[]) {
  const builder = makeBuilder({ type: new Utf8() });
  for (const { name } of targets) builder.append(name);
  return builder.finish().toVector().data[0]!;
}
