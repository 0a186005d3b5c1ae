import type { Batch } from '../pipeline/batch.js';
import { type CombineContext, type Context, defineCombine } from '../pipeline/component.js';
import { withoutFaults } from '../pipeline/faults.js';
import { closeAll } from '../pipeline/resources.js';
import { distanceValues, docidReader, qualityFaults, tokenCounts, tokenFaults } from './rank/cells.js';
import { choose } from './rank/choose.js';
import { type RankOptions, rankOptions } from './rank/options.js';
import { addBatch, createPartial, mergePartials, type RankPartial, type RankState } from './rank/partial.js';
import { selectedRows, withoutChosen } from './rank/selected.js';
import { requireShares, targetsOf } from './rank/targets.js';

/**
 * Combine: the nearest documents within a token budget (NAG.md §4), also of distance and quality together (§5), and
 * for several targets one selection each (§6), with all columns of the pool.
 */
export const rank = defineCombine<typeof rankOptions, RankPartial, AsyncIterable<Batch>>({
  name: 'rank',
  summary: 'Select the documents nearest to the target, or to each of several, up to a budget of tokens',
  options: rankOptions,
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
  chain: { takes: 'distances', after: 'features', remedy: 'put score before rank' },
  preview: (input, settings, context) => input.map((batch) => previewRanks(batch, settings, context)),
  needs: ({ quality }) => ({
    roles: ['tokens'],
    optionalRoles: ['docid'],
    columns: quality ? [quality.column] : [],
  }),
  start: async (settings, context) => {
    const most = await mostTokens(settings, context);
    const state: RankState = { settings, context, most, opened: [] };
    return {
      create: () => createPartial(state),
      add: (partial, batch) => addBatch(partial, batch, state),
      merge: mergePartials,
      extract: (partial) => selected(partial, state),
      close: () => closeAll(state.opened.map((thing) => () => thing.close())),
    };
  },
});

/**
 * The most tokens that the pool can have, where a share of them is the budget: from a pass over the token column. With
 * a quality nothing is ranked before the end, and their number is known then.
 */
async function mostTokens(
  { fraction, quality }: RankOptions,
  context: CombineContext,
): Promise<number | undefined> {
  if (fraction === undefined || quality) return undefined;
  const scan = context.scanBefore('tokens');
  if (!scan) return undefined;
  let total = 0;
  const reject = context.tolerant ? () => undefined : context.reject;
  for await (const batch of scan.batches)
    for (const count of tokenCounts(withoutFaults(batch, tokenFaults(batch), reject))) total += count;
  return scan.complete() ? total : undefined;
}

async function* selected(partial: RankPartial, state: RankState): AsyncGenerator<Batch> {
  yield* selectedRows(await choose(partial, state), partial, state);
}

/** The columns of chosen documents, without any. Throws where documents could not be ranked. */
function previewRanks(batch: Batch, settings: RankOptions, { stage }: Context): Batch {
  const { quality } = settings;
  tokenFaults(batch);
  docidReader(batch);
  if (quality) qualityFaults(batch, quality.column);
  const targets = targetsOf(batch, settings.by);
  for (const { column } of targets) distanceValues(batch, column);
  requireShares(settings, targets, stage);
  return withoutChosen(batch, targets, settings);
}
