import { DataType, type Field, type Schema } from 'apache-arrow';
import { schemaDifference } from './arrow/parquet-types.js';
import type { Batch } from './batch.js';
import type { Needs, OpenSource } from './component.js';
import { NagError } from './errors.js';
import { askedPaths, neededAgain } from './needed.js';
import { mergeNeeds, type Node, needsOf, type Plan, pathTo, rereads, sourcesAbove } from './plan.js';
import { conform, pruned, type United, uniteSchemas } from './unite.js';

type Sources = ReadonlyMap<string, OpenSource>;

/** Rows of several sources that go on together: what their columns have in common. */
export type Joint = (batch: Batch) => Batch;

/**
 * Makes the rows of all sources above a stage alike: columns by name, as `uniteSchemas` has them; of those that are asked
 * for, one that a source lacks is null. What stages have made is left as it is. Undefined where they are alike.
 * @param needs what is asked of the rows
 */
export function jointOf(node: Node, needs: Needs, plan: Plan, sources: Sources): Joint | undefined {
  const above = sourcesAbove(node.id, plan.nodes).map((id) => ({ id, source: sources.get(id)! }));
  if (above.length < 2 || areAlike(above.map(({ source }) => source.schema))) return undefined;
  const { schema } = unite(above);
  const asked = askedPaths(
    needs,
    above.map(({ source }) => source),
  );
  return (batch) => ({
    ...batch,
    columns: conform(batch.columns, fieldsOf(batch, schema, asked), {
      file: batch.bundle.file,
      rowAt: (row) => batch.bundle.firstRow + batch.rows[row]!,
    }),
  });
}

/** Refuses sources whose rows go on together, but have a column that no type can hold, before any work. */
export function requireJoint(plan: Plan, sources: Sources): void {
  for (const node of plan.nodes.values()) {
    if (node.inputs.main.length < 2 && !rereads(node)) continue;
    const above = sourcesAbove(node.id, plan.nodes).map((id) => ({ id, source: sources.get(id)! }));
    const path = pathTo(node.id, plan.nodes).map((id) => plan.nodes.get(id)!);
    // A transform that reads all columns may make them alike.
    const isPlugin = ({ component }: Node) => component.kind === 'transform' && !component.needs;
    if (above.length < 2 || path.some(isPlugin)) continue;
    const asked = askedPaths(
      mergeNeeds([needsOf(node), neededAgain(node, plan)]),
      above.map(({ source }) => source),
    );
    for (const [column, { name, text }] of unite(above).conflicts) {
      const isAsked = !asked || [...asked].some((path) => path === column || path.startsWith(`${column}.`));
      if (isAsked)
        throw new NagError(
          `${node.id}: the sources ${above.map(({ id }) => `"${id}"`).join(', ')} have different columns: column "${column}" ${text.replace('here', `in ${name}`)}, and no type holds the values of both; leave it out (columns: on the sink), or give each source a sink of its own`,
        );
    }
  }
}

function unite(above: readonly { id: string; source: OpenSource }[]): United {
  return uniteSchemas(above.map(({ id, source }) => ({ name: `"${id}"`, schema: source.schema })));
}

function areAlike([first, ...others]: readonly Schema[]): boolean {
  const isAlike = (other: Schema) =>
    schemaDifference(first!, other) === undefined &&
    other.fields.every((field, i) => field.nullable === first!.fields[i]!.nullable);
  return !first!.fields.some(({ type }) => DataType.isDictionary(type)) && others.every(isAlike);
}

/** Columns of the sources in their common order, then what stages have made. */
function fieldsOf(batch: Batch, common: Schema, asked: ReadonlySet<string> | undefined): Field[] {
  const own = new Map(batch.columns.schema.fields.map((field) => [field.name, field]));
  const fields = common.fields.flatMap((field) => {
    const { name } = field;
    const mine = own.get(name);
    own.delete(name);
    if (mine && batch.computed.has(name)) return mine;
    if (!mine && batch.removed.has(name)) return [];
    return (asked ? pruned(field, name, asked) : field) ?? mine ?? [];
  });
  return [...fields, ...own.values()];
}
