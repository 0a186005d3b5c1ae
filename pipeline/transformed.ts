import { type Batch, onlyNeeded } from './batch.js';
import type { Needs } from './component.js';
import type { Node } from './plan.js';
import type { Run } from './run.js';
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
  const rows = counted(input, (count) => {
    stats.rowsIn += count;
  });
  yield* clocked(component.run(rows, options, run.contextOf(node), sidesOf(node, run)), stats);
}

/** The values of a stage's side inputs. */
export function sidesOf(node: Node, run: Run): ReadonlyMap<string, unknown> {
  return new Map([...node.inputs.sides].map(([name, id]) => [name, run.values.get(id)]));
}
