import type { Batch } from './batch.js';
import { begin } from './busy.js';
import { combineContext } from './combine-context.js';
import { NagError } from './errors.js';
import { mergeNeeds, type Node, needsOf, readersOf, type Segment } from './plan.js';
import { readRoot } from './read-root.js';
import type { Run } from './run.js';
import { jointOf } from './several-sources.js';
import { atStage, withStage } from './stage-error.js';
import { counted, finish, start } from './stats.js';
import { readStored } from './stored.js';
import { type Stream, Streams } from './stream.js';
import { sidesOf, transformed } from './transformed.js';

/**
 * Runs one segment: composes its streams, lets all of its terminals pull at once, and waits until each has ended. The
 * first failure stops the others, and is thrown when nothing runs any more.
 */
export async function runSegment(segment: Segment, run: Run): Promise<void> {
  const streams = new Streams(run.signal);
  try {
    const inlets = compose(segment, run, streams);
    const ends = segment.terminals.map(async (id) => {
      const inlet = inlets.get(id)!;
      try {
        await consume(run.plan.nodes.get(id)!, streams.read(inlet), run);
      } catch (error) {
        run.fail(atStage(error, run.plan.nodes.get(id)!, run.signal));
      } finally {
        // Others that read the same rows must not wait for one that has finished with them.
        inlet.destroy();
      }
    });
    await Promise.all(ends);
  } finally {
    await streams.close().catch((error: unknown) => run.fail(error));
  }
  run.signal.throwIfAborted();
}

/** The stream that each terminal reads. */
function compose(segment: Segment, run: Run, streams: Streams): ReadonlyMap<string, Stream<Batch>> {
  const inSegment = new Set(segment.members);
  const outlets = new Map<string, Stream<Batch>[]>();
  const open = (id: string, stream: Stream<Batch>) => {
    const readers = readersOf(id, run.plan.nodes).filter((reader) => inSegment.has(reader));
    outlets.set(id, streams.share(stream, readers.length));
  };
  const behindStores = new Set(
    [...segment.stored.values()].flatMap(({ source, chain }) => [source, ...chain]),
  );
  for (const id of segment.roots) {
    if (!behindStores.has(id))
      open(id, streams.from(readRoot(run.plan.nodes.get(id)!, segment.needs.get(id)!, run)));
  }
  const inlets = new Map<string, Stream<Batch>>();
  const reading = readingOrder(segment, run);
  for (const id of segment.members) {
    if (behindStores.has(id)) continue;
    const node = run.plan.nodes.get(id)!;
    if (segment.stored.has(id)) {
      open(id, streams.from(withStage(readStored(node, segment, streams, run), node, run.signal)));
      continue;
    }
    const inlet = joined(
      node,
      reading.get(id)!.inputs.map((input) => outlets.get(input)!.shift()!),
      segment,
      streams,
      run,
    );
    if (segment.terminals.includes(id)) inlets.set(id, inlet);
    else open(id, streams.through(inlet, transformed(node, segment.needs.get(id)!, run)));
  }
  return inlets;
}

/** The rows of a stage's inputs, one after another, made alike. */
function joined(
  node: Node,
  inputs: readonly Stream<Batch>[],
  { needs }: Segment,
  streams: Streams,
  run: Run,
): Stream<Batch> {
  const inlet = streams.concat(inputs);
  if (inputs.length < 2) return inlet;
  const below = mergeNeeds([needsOf(node), needs.get(node.id) ?? {}]);
  const joint = jointOf(node, below, run.plan, run.sources);
  if (!joint) return inlet;
  return streams.through(inlet, async function* (batches) {
    for await (const batch of batches) yield joint(batch);
  });
}

/**
 * In which order each member reads its inputs: that of the roots they come from. Two that read the same roots in
 * different orders would wait for each other forever, and `rank` could not tell the places of rows in the input.
 */
function readingOrder(segment: Segment, run: Run) {
  const order = new Map<string, { inputs: readonly string[]; roots: readonly number[] }>(
    segment.roots.map((id, index) => [id, { inputs: [], roots: [index] }]),
  );
  for (const id of segment.members) {
    const rootsOf = (input: string) => order.get(input)!.roots;
    const main = run.plan.nodes.get(id)!.inputs.main;
    const inputs = [...main].sort((a, b) => rootsOf(a)[0]! - rootsOf(b)[0]!);
    const roots = inputs.flatMap(rootsOf);
    const at = roots.findIndex((root, i) => i > 0 && root < roots[i - 1]!);
    if (at > 0)
      throw new NagError(
        `${id}: it would read "${segment.roots[roots[at - 1]!]}" before "${segment.roots[roots[at]!]}", which stands above it: name all inputs in one "from", or move the sources`,
      );
    order.set(id, { inputs, roots });
  }
  return order;
}

async function consume(node: Node, input: AsyncIterable<Batch>, run: Run): Promise<void> {
  const stats = run.stats.get(node.id)!;
  start(stats);
  const rows = counted(input, stats);
  const end = begin(stats.busy, 'asked');
  try {
    if (node.component.kind === 'sink') {
      const prepared = await node.component.run(rows, node.options, run.contextOf(node), sidesOf(node, run));
      run.prepared.set(node.id, prepared);
      stats.rowsOut = prepared.rows;
    } else {
      await combine(node, rows, run);
    }
  } finally {
    end();
  }
  finish(stats);
}

async function combine(node: Node, input: AsyncIterable<Batch>, run: Run): Promise<void> {
  const { component, options } = node;
  if (component.kind !== 'combine') throw new TypeError(`${node.id} is no combine`);
  const accumulator = await component.start(options, combineContext(node, run), sidesOf(node, run));
  const state = { accumulator, partial: accumulator.create() };
  run.combined.set(node.id, state);
  for await (const batch of input) state.partial = await accumulator.add(state.partial, batch);
  if (component.yields === 'value') run.values.set(node.id, await accumulator.extract(state.partial));
}
