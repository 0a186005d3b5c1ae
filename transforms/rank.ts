import { Float64, Int32, makeData } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, inputOrder, type Roles, withColumn } from '../pipeline/batch.js';
import { type CombineContext, defineCombine } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { closeAll } from '../pipeline/resources.js';
import type { Selection } from './nag/budget-heap.js';
import { type DocidKind, distanceValues, docidReader, tokenCounts } from './rank/cells.js';
import { ComputedColumns } from './rank/computed.js';
import { Ranking } from './rank/ranking.js';
import { distanceColumn } from './score.js';

/** Column of places in the ranking, from 0. Its metadata tell how many there are. */
export const rankColumn = 'nag_rank';

const options = z
  .strictObject({
    fraction: z.number().positive().max(1).optional().describe("Budget: this share of the pool's tokens"),
    tokens: z.int().min(1).optional().describe('Budget: this number of tokens'),
    memory_mb: z
      .number()
      .positive()
      .default(1024)
      .describe(
        'Memory for the documents that may be selected (about 50 bytes each); beyond it their keys go to disk, with the same result',
      ),
  })
  .refine(({ fraction, tokens }) => (fraction === undefined) !== (tokens === undefined), {
    message: 'give either fraction (a share of the tokens) or tokens (their number)',
  });

type Options = z.output<typeof options>;

/** Combine: the nearest documents within a token budget (NAG.md §4), with all columns of the pool. */
export const rank = defineCombine<typeof options, Partial, AsyncIterable<Batch>>({
  name: 'rank',
  summary: 'Select the documents nearest to the target, up to a budget of tokens',
  options,
  yields: 'rows',
  example: `
    - {use: read.jsonl, with: {path: target.jsonl}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {id: target, use: profile}
    - {use: read.parquet, with: {path: "pool/*.parquet"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {use: score, from: {profile: target}}
    - {use: rank, with: {fraction: 0.2}}
    - {use: write.parquet, with: {path: out/selected.parquet}}`,
  needs: () => ({ roles: ['tokens'], optionalRoles: ['docid'] }),
  start: async (settings, context) => {
    const bound = await budgetBound(settings, context);
    const state = { settings, context, bound };
    const open: Partial[] = [];
    return {
      create: () => {
        const partial = createPartial(state);
        open.push(partial);
        return partial;
      },
      add: (partial, batch) => addBatch(partial, batch, context),
      merge: mergePartials,
      extract: (partial) => selected(partial, state),
      close: async () => {
        await closeAll(
          open.flatMap(({ ranking, computed }) => [() => ranking.close(), () => computed.close()]),
        );
      },
    };
  },
});

interface Partial {
  readonly ranking: Ranking;
  readonly computed: ComputedColumns;
  tokens: number;
  rows: number;
  lastOrder: number;
  docidKind: DocidKind | undefined;
  changes: Changes | undefined;
}

/** What the stages before have done to the pool's columns: the same with every row, or its columns would differ. */
interface Changes {
  readonly computed: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  /** Roles that computed columns play. */
  readonly roles: Roles;
}

interface State {
  readonly settings: Options;
  readonly context: CombineContext;
  readonly bound: number | undefined;
}

function createPartial({ settings, context, bound }: State): Partial {
  const ranking = new Ranking({ bound, memoryBytes: settings.memory_mb * 1e6, tempDir: context.tempDir });
  const computed = new ComputedColumns(context.tempDir);
  return {
    ranking,
    computed,
    tokens: 0,
    rows: 0,
    lastOrder: -1,
    docidKind: undefined,
    changes: undefined,
  };
}

/** The most that the budget can be: exact for a number of tokens; for a share, from a pass over the token column. */
async function budgetBound(
  { fraction, tokens }: Options,
  context: CombineContext,
): Promise<number | undefined> {
  if (fraction === undefined) return tokens;
  const scan = context.scanBefore('tokens');
  if (!scan) return undefined;
  let total = 0;
  for await (const batch of scan.batches) for (const count of tokenCounts(batch)) total += count;
  return Math.trunc(total * fraction);
}

async function addBatch(partial: Partial, batch: Batch, context: CombineContext): Promise<Partial> {
  const distance = distanceValues(batch, distanceColumn);
  const tokens = tokenCounts(batch);
  const docids = docidReader(batch);
  if (!docids)
    context.note(
      `the pool has no column "${batch.roles.docid ?? 'docid'}" of docids: equal distances keep the order of the input`,
    );
  checkKind(partial, docids?.kind);
  checkChanges(partial, changesOf(batch));
  const kept = new Uint32Array(batch.rows.length);
  let count = 0;
  for (let row = 0; row < batch.rows.length; row++) {
    const order = inputOrder(batch, row);
    if (order <= partial.lastOrder)
      throw new NagError(
        'a stage before rank repeats or reorders rows; rank needs each row of the pool at most once, in its order',
      );
    partial.lastOrder = order;
    partial.tokens += tokens[row]!;
    if (!partial.ranking.mayTake(distance[row]!)) continue;
    const taken = partial.ranking.add(distance[row]!, docids?.read(row) ?? null, tokens[row]!, order);
    // Only a full memory makes it wait: awaiting each would cost more than the ranking.
    if (typeof taken === 'boolean' ? taken : await taken) kept[count++] = row;
  }
  partial.rows += batch.rows.length;
  await partial.computed.keep(batch, kept.slice(0, count), new Set([distanceColumn]));
  return partial;
}

function checkKind(partial: Partial, kind: DocidKind | undefined): void {
  if (partial.rows > 0 && partial.docidKind !== kind) {
    throw new NagError(
      `docids are ${partial.docidKind ?? 'missing'} in one part of the pool and ${kind ?? 'missing'} in another: they cannot be ordered; cast one of them`,
    );
  }
  partial.docidKind = kind;
}

function changesOf({ columns, computed, removed, roles }: Batch): Changes {
  const there = columns.schema.fields.map((field) => field.name);
  const made = new Set(there.filter((name) => computed.has(name) && !name.startsWith('#')));
  const played = Object.entries(roles).filter(([, name]) => name !== undefined && made.has(name));
  return { computed: made, removed, roles: Object.fromEntries(played) };
}

function checkChanges(partial: Partial, changes: Changes): void {
  const first = partial.changes ?? changes;
  const different =
    differenceOf(first.computed, changes.computed) ?? differenceOf(first.removed, changes.removed);
  if (different !== undefined)
    throw new NagError(
      `the stages before rank make or remove the column "${different}" in one part of the pool only: its rows cannot be put together`,
    );
  partial.changes = first;
}

/** A name that only one of the sets has. */
function differenceOf(a: ReadonlySet<string>, b: ReadonlySet<string>): string | undefined {
  return [...a].find((name) => !b.has(name)) ?? [...b].find((name) => !a.has(name));
}

async function mergePartials(a: Partial, b: Partial): Promise<Partial> {
  if (!b.changes) return a;
  checkKind(a, b.docidKind);
  checkChanges(a, b.changes);
  await a.ranking.merge(b.ranking);
  a.computed.merge(b.computed);
  a.tokens += b.tokens;
  a.rows += b.rows;
  a.lastOrder = Math.max(a.lastOrder, b.lastOrder);
  return a;
}

async function* selected(partial: Partial, { settings, context, bound }: State): AsyncGenerator<Batch> {
  const budget =
    settings.fraction === undefined ? settings.tokens! : Math.trunc(partial.tokens * settings.fraction);
  const selection =
    partial.tokens > 0 ? await partial.ranking.select(Math.min(budget, bound ?? budget)) : nothing;
  report(selection, partial, budget, context);
  const { orders, ranks } = inInputOrder(selection);
  const removed = partial.changes?.removed ?? new Set();
  let at = 0;
  for await (const batch of partial.computed.attach(context.reread(orders, removed))) {
    const chosen = ranks.subarray(at, at + batch.rows.length);
    at += chosen.length;
    const roles = { ...batch.roles, ...partial.changes?.roles };
    yield withRanks({ ...batch, roles }, chosen, selection);
  }
}

const nothing: Selection = {
  order: new Float64Array(0),
  distance: new Float64Array(0),
  tokens: new Float64Array(0),
  totalTokens: 0,
  single: false,
};

function report(selection: Selection, partial: Partial, budget: number, context: CombineContext): void {
  const left = partial.rows - selection.order.length;
  if (left > 0) context.leftOut(partial.tokens > 0 ? 'beyond the budget' : 'the pool has no tokens', left);
  context.count('tokens', selection.totalTokens);
  context.count('budget', budget);
  if (selection.single)
    context.note(`no document fits the budget of ${budget} tokens: the nearest one was taken`);
  if (partial.rows === 0) context.note('the pool is empty: nothing was selected');
  if (partial.ranking.spilled) context.note('the ranking was sorted on disk');
}

/** The selection sorted by input order; `ranks[i]` is the place in the ranking of `orders[i]`. */
function inInputOrder(selection: Selection): { orders: Float64Array; ranks: Uint32Array } {
  const ranks = Uint32Array.from(selection.order.keys());
  ranks.sort((a, b) => selection.order[a]! - selection.order[b]!);
  return { orders: Float64Array.from(ranks, (rank) => selection.order[rank]!), ranks };
}

function withRanks(batch: Batch, ranks: Uint32Array, selection: Selection): Batch {
  const distance = Float64Array.from(ranks, (rank) => selection.distance[rank]!);
  const scored = withColumn(
    batch,
    distanceColumn,
    makeData({ type: new Float64(), data: distance, nullCount: 0 }),
  );
  const metadata = new Map([['nag.rows', String(selection.order.length)]]);
  return withColumn(
    scored,
    rankColumn,
    makeData({ type: new Int32(), data: Int32Array.from(ranks), nullCount: 0 }),
    { metadata },
  );
}
