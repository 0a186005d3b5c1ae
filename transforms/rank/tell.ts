import type { Context } from '../../pipeline/component.js';
import { byDocument, type Choice, inInputOrder } from './choice.js';
import { overlapOf, overlapText } from './overlap.js';
import type { RankPartial } from './partial.js';

/** What a choice is told about. */
interface Chosen {
  /** With duplicates. */
  readonly all: Choice;
  /** What comes out. */
  readonly choice: Choice;
  /** A target. */
  readonly budgets: readonly number[];
  /** Whether the best document was taken though it did not fit, a target. */
  readonly singles: readonly boolean[];
}

/** Says that nothing was chosen, and why. */
export function tellNothing({ rows }: RankPartial, quality: string | undefined, context: Context): void {
  const why = quality === undefined ? 'the pool is empty' : `no document has "${quality}"`;
  if (rows > 0) context.leftOut('the pool has no tokens', rows);
  else context.note(`${why}: nothing was selected`);
  context.count('tokens', 0);
  context.count('budget', 0);
}

/** Counts what was chosen and what was left out, and tells how far the selections of several targets overlap. */
export function tellChoice(chosen: Chosen, { rows, shape }: RankPartial, context: Context): void {
  const { all, choice, budgets, singles } = chosen;
  const names = shape!.targets.map(({ name }) => name ?? '');
  // One target chooses a document once.
  const count = names.length === 1 ? ({ order }: Choice) => order.length : documentsIn;
  const documents = count(choice);
  const before = choice === all ? documents : count(all);
  if (rows > before) context.leftOut('beyond the budget', rows - before);
  if (before > documents) context.leftOut('with the docid of a better one', before - documents);
  if (choice.order.length > documents) context.count('repeats', choice.order.length - documents);
  context.count('tokens', choice.tokens);
  context.count(
    'budget',
    budgets.reduce((sum, budget) => sum + budget, 0),
  );
  for (const [target, single] of singles.entries()) {
    if (!single) continue;
    const whose = names.length > 1 ? ` of ${names[target]}` : '';
    context.note(
      `no document fits the budget${whose} of ${budgets[target]} tokens: the nearest one was taken`,
    );
  }
  if (names.length > 1) tellOverlap(all, names, context);
}

function tellOverlap(all: Choice, names: readonly string[], context: Context): void {
  function* chosenFor() {
    for (const places of byDocument(all, inInputOrder(all)))
      yield Array.from(places, (place) => all.target[place]!);
  }
  const overlap = overlapOf(names, chosenFor());
  context.report(overlapText(overlap));
  // A second ranking of the same run has an overlap of its own.
  const key = context.provenance.has('nag.overlap') ? `nag.overlap.${context.stage}` : 'nag.overlap';
  context.provenance.set(key, JSON.stringify(overlap));
}

function documentsIn(choice: Choice): number {
  let documents = 0;
  for (const _ of byDocument(choice, inInputOrder(choice))) documents++;
  return documents;
}
