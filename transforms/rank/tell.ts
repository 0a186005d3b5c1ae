import type { Context } from '../../pipeline/component.js';
import { NagError } from '../../pipeline/errors.js';
import type { Selection } from '../nag/budget-heap.js';
import { byDocument, type Choice, inInputOrder } from './choice.js';
import type { RankOptions } from './options.js';
import { overlapOf, overlapText } from './overlap.js';
import type { RankPartial } from './partial.js';

/** What a choice is told about. */
interface Chosen {
  /** A target. */
  readonly selections: readonly Selection[];
  /** With duplicates. */
  readonly all: Choice;
  /** What comes out. */
  readonly choice: Choice;
  /** A target. */
  readonly budgets: readonly number[];
}

/** Share of a selection, or of a budget, from which on it is worth a note. */
const fewPercent = 0.03;

/**
 * Says that there was nothing to choose from.
 * @throws NagError where documents came in, and none of them can count: an earlier selection would give way to nothing
 */
export function tellNothing(partial: RankPartial, { quality }: RankOptions, context: Context): void {
  const { rows, unrated, tokenColumn } = partial;
  if (rows > 0)
    throw new NagError(
      `${context.stage}: the ${rows} documents have no tokens: the column "${tokenColumn}" holds null or 0 in every row; name another with columns: {tokens: …} on the source, or let tokenize count them (count: true)`,
    );
  if (unrated > 0)
    throw new NagError(
      `${context.stage}: none of the ${unrated} documents has a quality: the column "${quality?.column}" is null in every row; name another with quality: {column: …}, or leave quality out`,
    );
  context.note('the pool is empty: nothing was selected');
  context.count('tokens', 0);
  context.count('budget', 0);
}

/** Counts what was chosen and what was left out, and tells how far the selections of several targets overlap. */
export function tellChoice(chosen: Chosen, { rows, shape }: RankPartial, context: Context): void {
  const { selections, all, choice, budgets } = chosen;
  const names = shape!.targets.map(({ name }) => name ?? '');
  // One target chooses a document once.
  const count = names.length === 1 ? ({ order }: Choice) => order.length : documentsIn;
  const documents = count(choice);
  const before = choice === all ? documents : count(all);
  if (rows > before) context.leftOut('beyond the budget', rows - before);
  if (before > documents) context.leftOut('with the docid of a better one', before - documents);
  if (choice.order.length > documents) context.count('repeats', choice.order.length - documents);
  context.count('tokens', choice.tokens);
  const budget = budgets.reduce((sum, own) => sum + own, 0);
  context.count('budget', budget);
  for (const [target, selection] of selections.entries()) {
    const whose = names.length > 1 ? ` of ${names[target]}` : '';
    if (selection.single)
      context.note(
        `no document fits the budget${whose} of ${budgets[target]} tokens: the nearest one was taken`,
      );
    tellTies(selection, whose, context);
  }
  const unused = all.tokens - choice.tokens;
  if (unused > fewPercent * budget)
    context.note(
      `deduplicate leaves ${unused} of the ${budget} tokens of the budget unused (${percent(unused / budget)}); raise the budget to select more`,
    );
  if (names.length > 1) tellOverlap(all, names, context);
}

/** Where many documents are as near as the last one, and not all are in, their docids decide. */
function tellTies({ distance, next }: Selection, whose: string, context: Context): void {
  const last = distance.at(-1);
  if (last === undefined || next !== last) return;
  const tied = distance.length - distance.indexOf(last);
  if (tied > 1 && tied > fewPercent * distance.length)
    context.note(
      `${tied} of the ${distance.length} selected documents${whose} (${percent(tied / distance.length)}) are as near as others that are left out: the docid decides between them (equal texts, or a small K on top_k)`,
    );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function tellOverlap(all: Choice, names: readonly string[], context: Context): void {
  function* chosenFor() {
    for (const places of byDocument(all, inInputOrder(all)))
      yield Array.from(places, (place) => all.target[place]!);
  }
  const overlap = overlapOf(names, chosenFor());
  context.report(overlapText(overlap, context.stage));
  context.provenance.set('nag.overlap', JSON.stringify(overlap));
}

function documentsIn(choice: Choice): number {
  let documents = 0;
  for (const _ of byDocument(choice, inInputOrder(choice))) documents++;
  return documents;
}
