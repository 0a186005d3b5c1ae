import type { Batch, Bundle } from './batch.js';
import type { BundleStore, Making } from './component.js';
import type { Node, Segment, StoredChain } from './plan.js';
import { notEmpty, readBundles } from './read-root.js';
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
    for await (const batch of notEmpty(rowsOf(node, segment, store, streams, run))) {
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
  start(stats);
  for (let at = 0; at < source.bundles.length; ) {
    const bundle = source.bundles[at]!;
    if (await store.has(bundle)) {
      skip(bundle, chain, run);
      yield* store.read(bundle, readBundles(source, [bundle], segment.needs.get(node.id)!, stats));
      at++;
      continue;
    }
    const missing: Bundle[] = [];
    const wanted = missingFrom(source.bundles, at, store, missing);
    const fresh = streams.from(readBundles(source, wanted, segment.needs.get(id)!, stats));
    const made = chain.reduce(
      (stream, stage) =>
        streams.through(stream, transformed(run.plan.nodes.get(stage)!, segment.needs.get(stage)!, run)),
      fresh,
    );
    yield* store.keep(missing, streams.read(made));
    // A stage that ends without reading anything must not be asked for ever.
    at += Math.max(1, missing.length);
  }
  finish(stats);
}

/** A bundle and those behind it up to the next one that the store has; each is noted when its turn comes. */
async function* missingFrom(
  bundles: readonly Bundle[],
  first: number,
  store: BundleStore,
  missing: Bundle[],
): AsyncGenerator<Bundle> {
  for (let at = first; at < bundles.length; at++) {
    const bundle = bundles[at]!;
    if (at > first && (await store.has(bundle))) return;
    missing.push(bundle);
    yield bundle;
  }
}

/** Stages that are skipped will see fewer rows than was thought. */
function skip({ rows }: Bundle, chain: readonly string[], run: Run): void {
  for (const stage of chain.map((id) => run.stats.get(id)!)) {
    if (stage.expected !== undefined) stage.expected -= rows ?? 0;
  }
}
