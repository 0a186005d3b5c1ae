import type { OpenSource } from './component.js';
import { type Node, type Plan, sourcesAbove } from './plan.js';

/** A plan whose sources have been opened. */
interface Opened {
  readonly plan: Plan;
  readonly sources: ReadonlyMap<string, OpenSource>;
}

/** Names of the columns that the sources of a stage's rows have. */
export function sourceColumns({ id }: Node, { plan, sources }: Opened): ReadonlySet<string> {
  const schemas = sourcesAbove(id, plan.nodes).flatMap((above) => sources.get(above)?.schema ?? []);
  return new Set(schemas.flatMap(({ fields }) => fields.map(({ name }) => name)));
}
