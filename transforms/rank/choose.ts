import type { Selection } from '../nag/budget-heap.js';
import { docidBytes } from '../nag/docid.js';
import { type Choice, concatenated, placesOf } from './choice.js';
import { firstOfEach } from './deduplicate.js';
import { offer } from './offers.js';
import { openRankings, type RankPartial, type RankState } from './partial.js';
import type { Ranking } from './ranking.js';
import { budgetsOf } from './targets.js';
import { tellChoice, tellNothing } from './tell.js';

/** The documents within the budget of each target, of one target after the other (NAG.md §4 to §6). */
export async function choose(partial: RankPartial, state: RankState): Promise<Choice> {
  const { settings, context } = state;
  if (!partial.shape || partial.tokens <= 0) {
    tellNothing(partial, settings, context);
    return concatenated([]);
  }
  const { targets } = partial.shape;
  const budgets = budgetsOf(settings, targets, partial.tokens);
  const rankings = partial.candidates ? await rankCandidates(partial, budgets, state) : partial.rankings;
  const selections: Selection[] = [];
  for (const [target, ranking] of rankings.entries())
    selections.push(await ranking.select(budgets[target]!, { docids: settings.deduplicate }));
  if (rankings.some(({ spilled }) => spilled)) context.note('the ranking was sorted on disk');
  const all = concatenated(selections);
  const stays = settings.deduplicate ? await firstDocids(selections, partial, state) : undefined;
  const choice = stays ? concatenated(selections, stays) : all;
  tellChoice({ selections, all, choice, budgets }, partial, context);
  return choice;
}

/** Ranges and budget are final now: the documents are ranked. */
async function rankCandidates(
  { candidates, shape }: RankPartial,
  budgets: readonly number[],
  state: RankState,
): Promise<readonly Ranking[]> {
  const rankings = openRankings(shape!.targets.length, budgets, state);
  for await (const offers of candidates!.scored(state.settings.quality!.invert)) {
    state.context.signal.throwIfAborted();
    await offer(rankings, offers);
  }
  return rankings;
}

/** Without docids each document is one of its own. */
async function firstDocids(
  selections: readonly Selection[],
  { shape }: RankPartial,
  { settings, context }: RankState,
): Promise<Uint8Array> {
  function* docids() {
    for (const { order, docid } of selections)
      for (let place = 0; place < order.length; place++)
        yield shape!.docids === undefined ? docidBytes(order[place]!) : docid(place);
  }
  const memoryBytes = (settings.memory_mb * 1e6) / selections.length;
  return await firstOfEach(docids(), placesOf(selections), { tempDir: context.tempDir, memoryBytes });
}
