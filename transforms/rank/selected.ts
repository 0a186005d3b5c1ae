import { Float64, Int32, makeBuilder, makeData, Utf8 } from 'apache-arrow';
import { gatherBatch } from '../../pipeline/arrow/gather.js';
import { type Batch, inputOrder, withColumn, withoutColumns } from '../../pipeline/batch.js';
import { noteReplaced } from '../own-column.js';
import { selectionChanges } from './changes.js';
import { type Choice, inInputOrder } from './choice.js';
import type { RankOptions } from './options.js';
import type { RankPartial, RankState } from './partial.js';
import type { RankTarget } from './targets.js';

/** Key of the metadata of the column of places in the ranking, from 0: how many there are. */
export const rankedKey = 'nag.rows';

/** What the column of places is called, where it has no other name. */
export const rankColumn = 'nag_rank';

/** The column of places that the last ranking on the way has made; undefined where rows are not ranked. */
export function rankColumnOf({ columns, computed }: Batch): string | undefined {
  const made = columns.schema.fields.filter(({ name }) => computed.has(name));
  const ranks = made.find(({ metadata }) => metadata.has(rankedKey));
  return (ranks ?? made.find(({ name }) => name === rankColumn))?.name;
}

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
  const { by } = settings;
  const {
    removed = new Set<string>(),
    temporary = new Set<string>(),
    roles = {},
    targets = [{ name: undefined, column: by }],
  } = partial.shape ?? {};
  const own = ownColumns(targets, settings);
  const rows = context.reread(distinct(choice, places), removed);
  const changes = selectionChanges(choice, targets, by, context);
  let at = 0;
  for await (const batch of partial.computed.attach(rows, temporary)) {
    for (const [name, option] of own) noteReplaced(batch, name, option, context);
    const positions: number[] = [];
    const start = at;
    for (let row = 0; row < batch.rows.length; row++)
      for (; choice.order[places[at]!] === inputOrder(batch, row); at++) positions.push(row);
    const whole = { ...batch, roles: { ...batch.roles, ...roles } };
    // What several targets chose makes a batch no larger.
    const size = Math.max(1, batch.rows.length);
    for (let from = 0; from === 0 || from < positions.length; from += size) {
      const part = repeated(whole, Uint32Array.from(positions.slice(from, from + size)));
      const chosen = places.subarray(start + from, start + from + part.rows.length);
      const out = withRanks(part, chosen, choice, targets, settings);
      changes?.add(out, chosen);
      yield out;
    }
  }
  await changes?.finish();
}

/** Columns that rank makes, with the option that names each: the distance of an only target is that of score. */
function ownColumns(
  targets: readonly RankTarget[],
  { by, columns, quality }: RankOptions,
): [string, string][] {
  const named = targets[0]!.name !== undefined;
  return [
    [columns.rank, 'columns: {rank: …}'],
    ...(named ? [[columns.target, 'columns: {target: …}'] satisfies [string, string]] : []),
    ...(quality ? [[columns.combined, 'columns: {combined: …}'] satisfies [string, string]] : []),
    ...(targets.length > 1 ? [[by, 'column: … on score, and by: … here'] satisfies [string, string]] : []),
  ];
}

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
export function withoutChosen(batch: Batch, targets: readonly RankTarget[], options: RankOptions): Batch {
  const none = {
    order: new Float64Array(0),
    target: new Uint32Array(0),
    score: new Float64Array(0),
    tokens: 0,
  };
  return withRanks(batch, new Uint32Array(0), none, targets, options);
}

/** @param places those of the rows */
function withRanks(
  batch: Batch,
  places: Uint32Array,
  choice: Choice,
  targets: readonly RankTarget[],
  { by, columns, quality }: RankOptions,
): Batch {
  const target = Array.from(places, (place) => targets[choice.target[place]!]!);
  const scores = Float64Array.from(places, (place) => choice.score[place]!);
  const others = targets.map(({ column }) => column).filter((column) => column !== by);
  const distances = quality ? distancesOf(batch, target) : scores;
  let out = withFloats(withoutColumns(unranked(batch), others), by, distances);
  if (quality) out = withFloats(out, columns.combined, scores);
  if (targets[0]!.name !== undefined) out = withColumn(out, columns.target, names(target));
  const ranks = makeData({ type: new Int32(), data: Int32Array.from(places), nullCount: 0 });
  const metadata = new Map([[rankedKey, String(choice.order.length)]]);
  return withColumn(out, columns.rank, ranks, { metadata });
}

/** Places of an earlier ranking are a column like others: they no longer say in which order rows are written. */
function unranked(batch: Batch): Batch {
  const name = rankColumnOf(batch);
  return name === undefined ? batch : withColumn(batch, name, batch.columns.getChild(name)!.data[0]!);
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
