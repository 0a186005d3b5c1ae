import type { Batch, Bundle } from './batch.js';
import type { BundleStore, Making } from './component.js';
import type { Node, Segment, StoredChain } from './plan.js';
import { readBundles } from './read-root.js';
import type { Run } from './run.js';
import { finish, leftOutRows, start } from './stats.js';
import type { Streams } from './stream.js';
import { transformed } from './transformed.js';

/**
 * The rows of a store, bundle by bundle in order: what it has is read back beside the rows of the source; all else goes
 * through the stages before it and is kept. Bundles that it has not flow as one stream, so that a model never idles
 * between them.
 */
export async function* readStored(
  node: Node,
  segment: Segment,
  streams: Streams,
  run: Run,
): AsyncGenerator<Batch> {
  const stats = run.stats.get(node.id)!;
  start(stats);
  const store = await openStore(node, segment.stored.get(node.id)!, run);
  const account = () => {
    stats.rowsIn = stats.rowsOut + leftOutRows(stats);
  };
  try {
    for await (const batch of withColumns(rowsOf(node, segment, store, streams, run))) {
      stats.rowsOut += batch.rows.length;
      account();
      yield batch;
    }
    account();
  } finally {
    await store.close();
  }
  finish(stats);
}

async function openStore(node: Node, { source, chain }: StoredChain, run: Run): Promise<BundleStore> {
  if (node.component.kind !== 'transform' || !node.component.store)
    throw new TypeError(`${node.id} is no store`);
  const making: Making[number][] = [];
  for (const id of [source, ...chain]) {
    const { component, options } = run.plan.nodes.get(id)!;
    const context = run.contextOf(run.plan.nodes.get(id)!);
    const facts = component.kind === 'source' || component.kind === 'transform' ? component.facts : undefined;
    making.push({ stage: component.name, facts: (await facts?.(options, context)) ?? { options } });
  }
  return await node.component.store(node.options, making, run.contextOf(node));
}

async function* rowsOf(
  node: Node,
  segment: Segment,
  store: BundleStore,
  streams: Streams,
  run: Run,
): AsyncGenerator<Batch> {
  const { source: id, chain } = segment.stored.get(node.id)!;
  const source = run.sources.get(id)!;
  const stats = run.stats.get(id)!;
  const ahead = new Ahead(source.bundles);
  start(stats);
  for (let bundle = ahead.next(); bundle; bundle = ahead.next()) {
    if (await store.has(bundle)) {
      skip(bundle, chain, run);
      yield* store.read(bundle, readBundles(source, [bundle], segment.needs.get(node.id)!, stats));
      continue;
    }
    const missing: Bundle[] = [];
    const fresh = readBundles(
      source,
      missingFrom(bundle, ahead, store, missing),
      segment.needs.get(id)!,
      stats,
    );
    const made = chain.reduce(
      (stream, stage) =>
        streams.through(stream, transformed(run.plan.nodes.get(stage)!, segment.needs.get(stage)!, run)),
      streams.from(fresh),
    );
    yield* store.keep(missing, streams.read(made));
  }
  finish(stats);
}

/** Bundles in order; one that was looked at can be put back. */
class Ahead {
  #at = 0;

  constructor(private readonly bundles: readonly Bundle[]) {}

  next(): Bundle | undefined {
    return this.bundles[this.#at++];
  }

  putBack(): void {
    this.#at--;
  }
}

/** A bundle and those behind it up to the next one that the store has; each is noted when its turn comes. */
async function* missingFrom(
  first: Bundle,
  ahead: Ahead,
  store: BundleStore,
  missing: Bundle[],
): AsyncGenerator<Bundle> {
  for (let bundle: Bundle | undefined = first; bundle; bundle = ahead.next()) {
    if (bundle !== first && (await store.has(bundle))) return ahead.putBack();
    missing.push(bundle);
    yield bundle;
  }
  ahead.putBack();
}

/** Stages that are skipped will see fewer rows than was thought. */
function skip({ rows }: Bundle, chain: readonly string[], run: Run): void {
  for (const stage of chain.map((id) => run.stats.get(id)!)) {
    if (stage.expected !== undefined) stage.expected -= rows ?? 0;
  }
}

/** Batches without rows are dropped, but for one where no other comes: outputs want its columns. */
async function* withColumns(batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  let empty: Batch | undefined;
  let some = false;
  for await (const batch of batches) {
    if (batch.rows.length === 0) {
      empty ??= batch;
      continue;
    }
    some = true;
    yield batch;
  }
  if (!some && empty) yield empty;
}
