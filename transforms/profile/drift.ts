import type { Context } from '../../pipeline/component.js';
import { count } from '../../pipeline/progress.js';
import { table } from '../../pipeline/table.js';
import { profileDrift } from '../nag/drift.js';
import type { Profile, TargetProfile } from '../profile.js';
import { differenceOfFeatures } from '../same-features.js';
import { sinceText } from '../since.js';
import { type RememberedProfile, recallProfile, rememberProfile } from './remembered.js';

/** A target in this run and in the last; undefined where it is in one of them only. */
interface Moved {
  readonly name: string | undefined;
  readonly now: TargetProfile | undefined;
  readonly then: TargetProfile | undefined;
  readonly drift: number | undefined;
}

/** Of more targets, those that moved most are told. */
const mostTold = 20;

/** Tells how far each target has moved since the last run, and leaves the profile for the next one. */
export async function tellDrift(profile: RememberedProfile, context: Context): Promise<void> {
  const { memory, stage } = context;
  if (!memory) return;
  const then = await recallProfile(memory);
  await rememberProfile(profile, memory);
  if (!then) return;
  const different = differenceOf(then, profile);
  if (different === undefined) tell(movedTargets(profile, then), sinceText(memory), context);
  else
    context.report(`${stage}: the profile was made differently ${sinceText(memory)}, no drift: ${different}`);
}

/** The first of two says how it was, the second how it is. */
function differenceOf(then: RememberedProfile, now: RememberedProfile): string | undefined {
  const features = differenceOfFeatures(then.info, now.info);
  return then.power === now.power
    ? features
    : [`power: ${then.power} and ${now.power}`, features ?? []].flat().join('; ');
}

function movedTargets({ info, targets }: Profile, before: Profile): Moved[] {
  const old = new Map(before.targets.map((target) => [target.name, target]));
  const moved = targets.map((now): Moved => {
    const then = old.get(now.name);
    old.delete(now.name);
    return { name: now.name, now, then, drift: then && profileDrift(then.weights, now.weights, info.layers) };
  });
  const gone = [...old.values()].map((then) => ({ name: then.name, now: undefined, then, drift: undefined }));
  return [...moved, ...gone];
}

function tell(moved: readonly Moved[], since: string, context: Context): void {
  const drifts = moved.flatMap(({ name, drift }) => (drift === undefined ? [] : { name, drift }));
  if (drifts.length <= mostTold)
    for (const { name, drift } of drifts)
      context.count(name === undefined ? 'drift' : `drift ${name}`, drift);
  else {
    const values = drifts.map(({ drift }) => drift);
    context.count('mean drift', values.reduce((sum, drift) => sum + drift, 0) / values.length);
    context.count('largest drift', Math.max(...values));
  }
  // Those that are new or gone come first.
  const byDrift = [...moved].sort((a, b) => (b.drift ?? 2) - (a.drift ?? 2));
  const told = moved.length <= mostTold ? moved : byDrift.slice(0, mostTold);
  const which =
    told.length === moved.length ? '' : `, the ${told.length} of ${moved.length} targets that moved most`;
  const rows = told.map(({ name = 'target', now, then, drift }) => [
    name,
    drift?.toFixed(4) ?? (now ? 'new' : 'gone'),
    ...[now, then].map((target) => (target ? count(target.documents) : '-')),
  ]);
  context.report(
    `${context.stage}: drift ${since}${which}\n${table(['target', 'drift', 'documents', 'then'], rows)}`,
  );
}
