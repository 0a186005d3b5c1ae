import { basename } from 'node:path';
import { type Batch, placeOf } from '../../pipeline/batch.js';
import type { Context, Memory } from '../../pipeline/component.js';
import { count } from '../../pipeline/progress.js';
import { sinceText } from '../since.js';
import { docidReader, tokenCounts } from './cells.js';
import type { Choice } from './choice.js';
import { type Change, changeOf, createMembers, type Members, setMember, sortedMembers } from './members.js';
import {
  type Outline,
  recallMembers,
  recallOutline,
  rememberMembers,
  rememberOutline,
  type TargetOutline,
} from './remembered.js';
import type { RankTarget } from './targets.js';

/** What is known of the selection for one target while its rows go out. */
interface Selected {
  readonly members: Members;
  documents: number;
  tokens: number;
  distance: number;
  worst: number;
}

/** Of more targets, those are told whose selections changed most. */
const mostTold = 20;

/**
 * Compares the selection with that of the last run, and leaves it for the next one; nothing without a memory.
 * @param by the column of distances
 */
export function selectionChanges(
  choice: Choice,
  targets: readonly RankTarget[],
  by: string,
  context: Context,
) {
  const { memory } = context;
  if (!memory) return undefined;
  const sizes = targets.map(() => 0);
  for (const target of choice.target) sizes[target]!++;
  const selections = sizes.map(
    (size): Selected => ({ members: createMembers(size), documents: 0, tokens: 0, distance: 0, worst: 0 }),
  );
  let ids: Outline['ids'];
  return {
    /** @param places in the choice of the batch's rows */
    add: (batch: Batch, places: Uint32Array) => {
      if (batch.rows.length === 0) return;
      const docids = docidReader(batch);
      ids = docids?.kind ?? 'row';
      const tokens = tokenCounts(batch);
      const distances = batch.columns.getChild(by)!;
      for (const [row, place] of places.entries()) {
        const own = selections[choice.target[place]!]!;
        const distance = Number(distances.get(row));
        setMember(own.members, own.documents, docids?.read(row) ?? rowId(batch, row), tokens[row]!);
        own.worst = own.documents === 0 ? distance : Math.max(own.worst, distance);
        own.documents++;
        own.tokens += tokens[row]!;
        own.distance += distance;
      }
    },
    /** When all rows have gone out. */
    finish: async () => {
      const outlines = selections.map(({ members: _, ...own }, i) => ({ name: targets[i]!.name, ...own }));
      const now = { ids, targets: outlines };
      const then = await recallOutline(memory);
      await rememberOutline(now, memory);
      const comparable = then && (then.ids === ids || then.ids === undefined || ids === undefined);
      const changes: TargetChange[] = [];
      for (const [i, { members }] of selections.entries()) {
        const sorted = sortedMembers(members);
        await rememberMembers(i, sorted, memory);
        if (comparable) changes.push(await changeOfTarget(sorted, outlines[i]!, then, memory));
      }
      if (comparable) tell([...changes, ...gone(then, now)], sinceText(memory), context);
      else if (then)
        context.report(
          `${context.stage}: the selection is not compared ${sinceText(memory)}: its documents are known by ${idText(ids)} now, and were by ${idText(then.ids)} then`,
        );
    },
  };
}

/** Without docids a document is what stands in a row of a file of that name: new files do not change it. */
function rowId(batch: Batch, row: number): Uint8Array {
  const { file = '', row: number } = placeOf(batch, row);
  return Buffer.from(`${basename(file)}\0${number}`);
}

function idText(ids: Outline['ids']): string {
  return ids === 'row'
    ? 'file and row'
    : ids === 'integer'
      ? 'docids that are numbers'
      : 'docids that are text';
}

/** A target then and now. */
interface TargetChange {
  readonly name: string | undefined;
  readonly now: TargetOutline | undefined;
  readonly then: TargetOutline | undefined;
  readonly change: Change | undefined;
}

async function changeOfTarget(
  members: Members,
  now: TargetOutline,
  before: Outline,
  memory: Memory,
): Promise<TargetChange> {
  const at = before.targets.findIndex(({ name }) => name === now.name);
  const then = before.targets[at];
  const old = then && (await recallMembers(at, then, memory));
  return { name: now.name, now, then, change: old && changeOf(old, members) };
}

function gone(before: Outline, now: Outline): TargetChange[] {
  const there = new Set(now.targets.map(({ name }) => name));
  return before.targets
    .filter(({ name }) => !there.has(name))
    .map((then) => ({ name: then.name, now: undefined, then, change: undefined }));
}

function tell(changes: readonly TargetChange[], since: string, context: Context): void {
  for (const { change } of changes) {
    for (const [what, { documents, tokens }] of Object.entries(change ?? {})) {
      context.count(what, documents);
      if (what !== 'stayed') context.count(`tokens ${what}`, tokens);
    }
  }
  if (changes.length === 1) {
    context.report(`${context.stage}: selection ${since}: ${changeText(changes[0]!)}`);
    return;
  }
  const most = [...changes].sort((a, b) => turnover(b) - turnover(a)).slice(0, mostTold);
  const told = changes.length <= mostTold ? changes : most;
  const which = told === changes ? '' : `, the ${mostTold} of ${changes.length} targets that changed most`;
  const lines = told.map((own) => `  ${own.name ?? 'without a name'}: ${changeText(own)}`);
  context.report([`${context.stage}: selections ${since}${which}`, ...lines].join('\n'));
}

/** Targets that are new or gone come first. */
function turnover({ change }: TargetChange): number {
  return change ? change.entered.documents + change.left.documents : Number.MAX_VALUE;
}

/** `1,204 documents, 37 entered (12,345 tokens), 12 left (2,000 tokens), 1,167 stayed; mean distance 0.4312 → 0.4298, …` */
function changeText({ now, then, change }: TargetChange): string {
  if (!now) return `${count(then!.documents)} documents then, no target any more`;
  const documents = `${count(now.documents)} documents (${count(now.tokens)} tokens)`;
  if (!then) return `${documents}, a new target`;
  if (!change) return `${documents}, ${count(then.documents)} then; which they were is not known any more`;
  const { entered, left, stayed } = change;
  const moves = `${count(entered.documents)} entered (${count(entered.tokens)} tokens), ${count(left.documents)} left (${count(left.tokens)} tokens), ${count(stayed.documents)} stayed`;
  const mean = (own: TargetOutline) =>
    own.documents === 0 ? '-' : (own.distance / own.documents).toFixed(4);
  const worst = (own: TargetOutline) => (own.documents === 0 ? '-' : own.worst.toFixed(4));
  return `${documents}, ${moves}; mean distance ${mean(then)} → ${mean(now)}, worst ${worst(then)} → ${worst(now)}`;
}
