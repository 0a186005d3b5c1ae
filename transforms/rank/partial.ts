import { rowRange } from '../../pipeline/arrow/row-range.js';
import { type Batch, inputOrder, keepRows } from '../../pipeline/batch.js';
import type { CombineContext } from '../../pipeline/component.js';
import { NagError } from '../../pipeline/errors.js';
import { withoutFaults } from '../../pipeline/faults.js';
import { Candidates } from './candidates.js';
import { docidFaults, docidReader, qualityFaults, qualityValues, tokenFaults } from './cells.js';
import { ComputedColumns } from './computed.js';
import { offer, offersOf } from './offers.js';
import type { RankOptions } from './options.js';
import { Ranking } from './ranking.js';
import { requireSameColumns, requireSameDocids, type Shape, shapeOf } from './shape.js';
import { budgetsOf, requireShares } from './targets.js';

/** What partials of one ranking share. */
export interface RankState {
  readonly settings: RankOptions;
  readonly context: CombineContext;
  /** The most that the tokens of all documents can be; undefined where nothing is known before the end. */
  readonly most: number | undefined;
  /** What has been opened, by any partial: closed in the end. */
  readonly opened: { close(): Promise<void> }[];
}

/** What is known of a part of the pool. */
export interface RankPartial {
  readonly computed: ComputedColumns;
  /** Of the columns; undefined before the first batch. */
  shape: Shape | undefined;
  /** One a target; none with a quality. */
  rankings: readonly Ranking[];
  /** With a quality: documents that cannot be ranked yet. */
  candidates: Candidates | undefined;
  rows: number;
  /** With a quality: documents that have none. */
  unrated: number;
  tokens: number;
  /** Where the token counts come from. */
  tokenColumn: string | undefined;
  lastOrder: number;
}

export function createPartial({ context, opened }: RankState): RankPartial {
  const computed = new ComputedColumns(context.tempDir);
  opened.push(computed);
  return {
    computed,
    shape: undefined,
    rankings: [],
    candidates: undefined,
    rows: 0,
    unrated: 0,
    tokens: 0,
    tokenColumn: undefined,
    lastOrder: -1,
  };
}

export async function addBatch(partial: RankPartial, given: Batch, state: RankState): Promise<RankPartial> {
  const { settings, context } = state;
  requireInputOrder(partial, given);
  const whole = usable(given, state);
  const docids = docidReader(whole);
  if (!docids)
    context.note(
      `the pool has no column "${whole.roles.docid ?? 'docid'}" of docids: equal distances keep the order of the input`,
    );
  const shape = shapeOf(whole, docids?.kind, settings.by);
  if (partial.shape) {
    requireSameColumns(partial.shape, shape);
    if (partial.rows > 0) requireSameDocids(partial.shape.docids, shape.docids);
  } else begin(partial, shape, state);
  partial.shape = shape;
  const batch = settings.quality ? withQuality(whole, settings.quality.column, context) : whole;
  const offers = offersOf(batch, shape.targets, batch === whole ? docids : docidReader(batch));
  partial.rows += offers.rows;
  partial.unrated += whole.rows.length - batch.rows.length;
  partial.tokenColumn ??= whole.roles.tokens;
  for (const tokens of offers.tokens) partial.tokens += tokens;
  if (settings.quality && partial.candidates) {
    await partial.candidates.add(offers, qualityValues(batch, settings.quality.column));
    await partial.computed.keep(batch, rowRange(0, batch.rows.length), new Set());
  } else {
    const kept = await offer(partial.rankings, offers);
    const distances = shape.targets.map(({ column }) => column);
    await partial.computed.keep(batch, kept, new Set([settings.by, ...distances]));
  }
  return partial;
}

/** Merging the partials of any split equals adding all batches to one. */
export async function mergePartials(a: RankPartial, b: RankPartial): Promise<RankPartial> {
  if (!b.shape) return a;
  if (!a.shape) return b;
  requireSameColumns(a.shape, b.shape);
  if (a.rows > 0 && b.rows > 0) requireSameDocids(a.shape.docids, b.shape.docids);
  for (const [target, ranking] of a.rankings.entries()) await ranking.merge(b.rankings[target]!);
  if (b.candidates) a.candidates?.merge(b.candidates);
  a.computed.merge(b.computed);
  a.shape = { ...a.shape, docids: a.rows > 0 ? a.shape.docids : b.shape.docids };
  a.tokens += b.tokens;
  a.rows += b.rows;
  a.unrated += b.unrated;
  a.lastOrder = Math.max(a.lastOrder, b.lastOrder);
  return a;
}

/** Rankings for targets under their budgets, or under bounds of these; memory is shared among them. */
export function openRankings(
  targets: number,
  bounds: readonly number[] | undefined,
  { settings, context, opened }: RankState,
): Ranking[] {
  const memoryBytes = (settings.memory_mb * 1e6) / targets;
  const rankings = Array.from(
    { length: targets },
    (_, target) => new Ranking({ bound: bounds?.[target], memoryBytes, tempDir: context.tempDir }),
  );
  opened.push(...rankings);
  return rankings;
}

/** Only with the first batch is known for how many targets documents are ranked. */
function begin(partial: RankPartial, { targets }: Shape, state: RankState): void {
  const { settings, context, most, opened } = state;
  requireShares(settings, targets, context.stage);
  if (settings.quality) {
    partial.candidates = new Candidates(context.tempDir, targets.length);
    opened.push(partial.candidates);
  } else {
    const known = settings.fraction === undefined ? 0 : most;
    const bounds = known === undefined ? undefined : budgetsOf(settings, targets, known);
    partial.rankings = openRankings(targets.length, bounds, state);
  }
}

function requireInputOrder(partial: RankPartial, batch: Batch): void {
  for (let row = 0; row < batch.rows.length; row++) {
    const order = inputOrder(batch, row);
    if (order <= partial.lastOrder)
      throw new NagError(
        'a stage before rank repeats or reorders rows; rank needs each row of the pool at most once, in its order',
      );
    partial.lastOrder = order;
  }
}

/** The documents that can be ranked. */
function usable(batch: Batch, { settings, context }: RankState): Batch {
  const { quality } = settings;
  const faults = [
    docidFaults(batch),
    tokenFaults(batch),
    ...(quality ? [qualityFaults(batch, quality.column)] : []),
  ];
  const faultOf = (row: number) => {
    for (const found of faults) {
      const fault = found(row);
      if (fault) return fault;
    }
    return undefined;
  };
  return withoutFaults(batch, faultOf, context.reject);
}

function withQuality(batch: Batch, column: string, context: CombineContext): Batch {
  const quality = qualityValues(batch, column);
  const there = Uint32Array.from(batch.rows.keys()).filter((row) => !Number.isNaN(quality[row]!));
  const missing = batch.rows.length - there.length;
  if (missing > 0) context.leftOut(`without ${column}`, missing);
  return keepRows(batch, there);
}
