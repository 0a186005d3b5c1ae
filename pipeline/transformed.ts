import { type Batch, onlyNeeded } from './batch.js';
import type { Needs, SideValues } from './component.js';
import type { Node } from './plan.js';
import type { Run } from './run.js';
import { withStage } from './stage-error.js';
import { clocked, counted } from './stats.js';

/** What a transform makes of batches, counted, without the source columns that no stage below it needs. */
export function transformed(
  node: Node,
  needs: Needs,
  run: Run,
): (input: AsyncIterable<Batch>) => AsyncGenerator<Batch> {
  return (input) => pruned(transform(node, input, run), needs);
}

/** Drops source columns that no stage below reads, so that texts do not wait in memory behind the model. */
async function* pruned(batches: AsyncIterable<Batch>, needs: Needs): AsyncGenerator<Batch> {
  for await (const batch of batches) yield onlyNeeded(batch, needs);
}

async function* transform(node: Node, input: AsyncIterable<Batch>, run: Run): AsyncGenerator<Batch> {
  const { component, options } = node;
  if (component.kind !== 'transform') throw new TypeError(`${node.id} is no transform`);
  const stats = run.stats.get(node.id)!;
  const rows = counted(input, stats);
  const made = component.run(rows, options, run.contextOf(node), sidesOf(node, run));
  yield* clocked(withStage(made, node, run.signal), stats);
}

/** The values of a stage's side inputs: one each, or where it takes several, a map from their stages' ids. */
export function sidesOf({ component, inputs }: Node, run: Run): ReadonlyMap<string, unknown> {
  const several =
    component.kind === 'transform' || component.kind === 'sink' ? (component.severalSides ?? []) : [];
  return new Map(
    [...inputs.sides].map(([name, ids]) => {
      const values: SideValues = new Map(ids.map((id) => [id, run.values.get(id)]));
      return [name, several.includes(name) ? values : values.get(ids[0]!)];
    }),
  );
}
