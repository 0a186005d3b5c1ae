import type { Batch } from './batch.js';
import { isRoot, type Node, readersOf, type Segment } from './plan.js';
import type { Run } from './run.js';
import { clocked, counted, finish, start } from './stats.js';
import { concat, fromAsync, type Stream, share, through, toAsync } from './stream.js';

/**
 * Runs one segment: composes its streams, lets all of its terminals pull at once, and waits until each has ended. The
 * first failure stops the sources, so that the others end too, and is thrown when nothing runs any more.
 */
export async function runSegment(segment: Segment, run: Run): Promise<void> {
  const streams = compose(segment, run);
  const ends = segment.terminals.map(async (id) => {
    try {
      await consume(run.plan.nodes.get(id)!, whole(streams.get(id)!, run.signal), run);
    } catch (error) {
      run.fail(error);
      throw error;
    }
  });
  await Promise.allSettled(ends);
  run.signal.throwIfAborted();
}

/** The stream that each terminal reads. */
function compose(segment: Segment, run: Run): ReadonlyMap<string, Stream<Batch>> {
  const inSegment = new Set(segment.members);
  const outlets = new Map<string, Stream<Batch>[]>();
  const open = (id: string, stream: Stream<Batch>) => {
    outlets.set(
      id,
      share(stream, readersOf(id, run.plan.nodes).filter((reader) => inSegment.has(reader)).length),
    );
  };
  for (const id of segment.roots) {
    open(id, fromAsync(run.readRoot(run.plan.nodes.get(id)!, segment.needs.get(id)!)));
  }
  const inlets = new Map<string, Stream<Batch>>();
  for (const id of segment.members) {
    const node = run.plan.nodes.get(id)!;
    const inlet = concat(node.inputs.main.map((input) => outlets.get(input)!.shift()!));
    if (segment.terminals.includes(id)) inlets.set(id, inlet);
    else if (!isRoot(node))
      open(
        id,
        through(inlet, (input) => transform(node, input, run)),
      );
  }
  return inlets;
}

async function* transform(node: Node, input: AsyncIterable<Batch>, run: Run): AsyncGenerator<Batch> {
  const { component, options } = node;
  if (component.kind !== 'transform') throw new TypeError(`${node.id} is no transform`);
  const stats = run.stats.get(node.id)!;
  const rows = counted(input, (count) => {
    stats.rowsIn += count;
  });
  const sides = new Map([...node.inputs.sides].map(([name, id]) => [name, run.values.get(id)]));
  yield* clocked(component.run(rows, options, run.contextOf(node), sides), stats);
}

async function consume(node: Node, input: AsyncIterable<Batch>, run: Run): Promise<void> {
  const stats = run.stats.get(node.id)!;
  start(stats);
  const rows = counted(input, (count) => {
    stats.rowsIn += count;
  });
  if (node.component.kind === 'sink') {
    const prepared = await node.component.run(rows, node.options, run.contextOf(node));
    run.prepared.push(prepared);
    stats.rowsOut = prepared.rows;
  } else {
    await combine(node, rows, run);
  }
  finish(stats);
}

async function combine(node: Node, input: AsyncIterable<Batch>, run: Run): Promise<void> {
  const { component, options } = node;
  if (component.kind !== 'combine') throw new TypeError(`${node.id} is no combine`);
  const accumulator = await component.start(options, run.combineContext(node));
  const state = { accumulator, partial: accumulator.create() };
  run.combined.set(node.id, state);
  for await (const batch of input) state.partial = await accumulator.add(state.partial, batch);
  if (component.yields === 'value') run.values.set(node.id, await accumulator.extract(state.partial));
}

/** A stopped run may look to a terminal like the end of its input: nothing must be taken for whole then. */
async function* whole(stream: Stream<Batch>, signal: AbortSignal): AsyncGenerator<Batch> {
  yield* toAsync(stream);
  signal.throwIfAborted();
}
