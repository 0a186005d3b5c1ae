import { hasColumn, type Role, roleNamed } from './batch.js';
import type { Needs, OpenSource } from './component.js';
import { mergeNeeds, type Node, needsOf, type Plan, rereads, sourcesAbove } from './plan.js';

/** All that is asked of a source: as rows flow, and of chosen rows that are read again. */
export function neededOf(source: string, plan: Plan): Needs {
  const again = [...plan.nodes.values()].filter(
    (node) => rereads(node) && sourcesAbove(node.id, plan.nodes).includes(source),
  );
  return mergeNeeds([...belowOf(source, plan), ...again.map((node) => neededAgain(node, plan))]);
}

/** What is asked of the rows that a combine reads again: by itself, and by the stages below it. */
export function neededAgain(node: Node, plan: Plan): Needs {
  return mergeNeeds([needsOf(node), ...belowOf(node.id, plan)]);
}

function belowOf(id: string, plan: Plan): Needs[] {
  return plan.segments.flatMap(({ needs }) => needs.get(id) ?? []);
}

/**
 * What is asked of one source: columns that it does not have may be made on the way, and the name of a role, where no
 * column has it, asks for the column that plays it, or for the text of a template.
 */
export function neededFrom(needs: Needs, { schema, roles }: Pick<OpenSource, 'schema' | 'roles'>): Needs {
  if (needs.columns === 'all') return needs;
  const named = needs.columns ?? [];
  const isThere = (name: string) => hasColumn(schema, name);
  const played = named.filter((name): name is Role => !isThere(name) && roleNamed(roles, name) !== undefined);
  return {
    ...needs,
    columns: named.filter(isThere),
    optionalRoles: [...new Set([...(needs.optionalRoles ?? []), ...played])],
  };
}

/** Paths of the columns that are asked of some sources, by name or by the roles that they play; undefined for all. */
export function askedPaths(
  needs: Needs,
  sources: readonly Pick<OpenSource, 'schema' | 'roles'>[],
): ReadonlySet<string> | undefined {
  if (needs.columns === 'all') return undefined;
  const played = sources.flatMap((source) => {
    const { roles = [], optionalRoles = [] } = neededFrom(needs, source);
    return [...roles, ...optionalRoles].flatMap((role) => source.roles[role] ?? []);
  });
  return new Set([...played, ...(needs.columns ?? [])]);
}
