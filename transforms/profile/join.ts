import type { SideValues } from '../../pipeline/component.js';
import { NagError } from '../../pipeline/errors.js';
import type { Profile } from '../profile.js';
import { requireComparable } from '../same-features.js';

/** One profile with the targets of all; a target without a name gets its stage's, unless it is the only one. */
export function joinProfiles(profiles: SideValues<Profile>): Profile {
  const [first, ...others] = profiles.values();
  if (!first) throw new TypeError('score without a profile');
  if (others.length === 0) return first;
  for (const { info } of others) requireComparable(first.info, info, 'each other as targets');
  const targets = [...profiles].flatMap(([stage, profile]) =>
    profile.targets.map((target) => ({ ...target, name: target.name ?? stage })),
  );
  const names = targets.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new NagError(`two targets are called "${twice}": name their stages differently`);
  return { info: first.info, targets };
}
