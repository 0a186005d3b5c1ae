import { schemaDifference } from './arrow/parquet-types.js';
import type { OpenSource } from './component.js';
import { NagError } from './errors.js';
import { type Node, type Plan, pathTo, sourcesAbove } from './plan.js';

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

/** Rows that a combine yields go to one output: sources with different columns are refused before any work. */
export function checkColumns(node: Node, { plan, sources }: Opened): void {
  if (node.component.kind !== 'combine' || node.component.yields !== 'rows') return;
  const path = pathTo(node.id, plan.nodes).map((id) => plan.nodes.get(id)!);
  // A transform that reads all columns may make them alike.
  if (path.some(({ component }) => component.kind === 'transform' && !component.needs)) return;
  const [first, ...others] = path.filter(({ component }) => component.kind === 'source');
  for (const other of others) {
    const difference = schemaDifference(sources.get(first!.id)!.schema, sources.get(other.id)!.schema);
    if (difference === undefined) continue;
    throw new NagError(
      `${node.id}: the sources "${first!.id}" and "${other.id}" have different columns: ${difference}; write them alike first`,
    );
  }
}
