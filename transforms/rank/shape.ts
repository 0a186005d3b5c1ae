import type { Batch, Roles } from '../../pipeline/batch.js';
import { NagError } from '../../pipeline/errors.js';
import type { DocidKind } from './cells.js';
import { type RankTarget, targetsOf } from './targets.js';

/** What must be the same in every batch of a pool, or its rows could not be ranked and put together. */
export interface Shape {
  readonly targets: readonly RankTarget[];
  /** Undefined where there are no docids. */
  readonly docids: DocidKind | undefined;
  /** What the stages before have done to the pool's columns. */
  readonly computed: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  /** Computed columns for stages that follow. */
  readonly temporary: ReadonlySet<string>;
  /** Roles that computed columns play. */
  readonly roles: Roles;
}

export function shapeOf(batch: Batch, docids: DocidKind | undefined, by: string): Shape {
  const { columns, computed, removed, roles, temporary = new Set() } = batch;
  const there = columns.schema.fields.map((field) => field.name);
  const made = new Set(there.filter((name) => computed.has(name) && !name.startsWith('#')));
  const played = Object.entries(roles).filter(([, name]) => name !== undefined && made.has(name));
  return {
    targets: targetsOf(batch, by),
    docids,
    computed: made,
    removed,
    temporary,
    roles: Object.fromEntries(played),
  };
}

/** Throws where two parts of a pool cannot be ranked together. */
export function requireSameColumns(first: Shape, other: Shape): void {
  const different =
    differenceOf(first.computed, other.computed) ?? differenceOf(first.removed, other.removed);
  if (different !== undefined)
    throw new NagError(
      `the stages before rank make or remove the column "${different}" in one part of the pool only: its rows cannot be put together`,
    );
  const [a, b] = [first, other].map(({ targets }) => targets.map(({ name }) => name ?? 'one').join(', '));
  if (a !== b)
    throw new NagError(
      `one part of the pool is scored for the targets ${a}, another for ${b}: give both the same profiles, in the same order`,
    );
}

/** Throws where text would have to be ordered among numbers. */
export function requireSameDocids(first: DocidKind | undefined, other: DocidKind | undefined): void {
  if (first !== other)
    throw new NagError(
      `docids are ${first ?? 'missing'} in one part of the pool and ${other ?? 'missing'} in another: they cannot be ordered; cast one of them`,
    );
}

/** A name that only one of the sets has. */
function differenceOf(a: ReadonlySet<string>, b: ReadonlySet<string>): string | undefined {
  return [...a].find((name) => !b.has(name)) ?? [...b].find((name) => !a.has(name));
}
