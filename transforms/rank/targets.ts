import type { Batch } from '../../pipeline/batch.js';
import { NagError } from '../../pipeline/errors.js';
import { distanceColumn, nameKey, targetKey } from '../score.js';
import type { RankOptions } from './options.js';

/** What documents are ranked for. */
export interface RankTarget {
  /** Undefined for an only target without a name. */
  readonly name: string | undefined;
  /** Its distances. */
  readonly column: string;
}

/** The targets for which `score` has measured distances, in its order. @param by the name that it gives them */
export function targetsOf({ columns, computed }: Batch, by: string): RankTarget[] {
  const scored = columns.schema.fields.filter(({ name }) => computed.has(name));
  const named = scored.filter(
    ({ metadata }) => metadata.has(targetKey) && (metadata.get(nameKey) ?? distanceColumn) === by,
  );
  if (named.length === 0) return [{ name: undefined, column: by }];
  if (scored.some(({ name, metadata }) => name === by && !metadata.has(targetKey)))
    throw new NagError(
      'two score stages stand before rank, one of them of several targets: rank after each of them, give one score all profiles, or name the distances of one otherwise (score: {column: …}, rank: {by: …})',
    );
  return named.map(({ name, metadata }) => ({ name: metadata.get(targetKey), column: name }));
}

/** Throws where `shares` do not name exactly the targets. */
export function requireShares({ shares }: RankOptions, targets: readonly RankTarget[], stage: string): void {
  if (!shares) return;
  const names = targets.flatMap(({ name }) => name ?? []);
  const missing = names.find((name) => !Object.hasOwn(shares, name));
  const unknown = Object.keys(shares).find((name) => !names.includes(name));
  if (missing === undefined && unknown === undefined) return;
  const what = unknown === undefined ? `"${missing}" has no share` : `there is no target "${unknown}"`;
  throw new NagError(
    `${stage}: shares: ${what}; name each target once (targets: ${names.join(', ') || 'one without a name'})`,
  );
}

/**
 * The budget of each target in tokens: of M targets each gets `fraction / M` of the pool's tokens, or `tokens / M`
 * (NAG.md §6), or by `shares` that part of the whole; then cut to a whole number.
 * @param total tokens of all documents that are ranked
 */
export function budgetsOf(
  { fraction, tokens, shares }: RankOptions,
  targets: readonly RankTarget[],
  total: number,
): number[] {
  return targets.map(({ name }) => {
    const partOf = (whole: number) =>
      shares && name !== undefined ? whole * shares[name]! : whole / targets.length;
    return Math.trunc(fraction === undefined ? partOf(tokens!) : total * partOf(fraction));
  });
}
