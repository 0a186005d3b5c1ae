import { type Batch, type Bundle, onlyNeeded } from './batch.js';
import { timed } from './busy.js';
import type { BundlePart, BundleStore, Making, Needs } from './component.js';
import type { Node, Segment, StoredChain } from './plan.js';
import { isReread, notEmpty, readBundles } from './read-root.js';
import type { Run } from './run.js';
import { splitRows } from './split-rows.js';
import { atStage } from './stage-error.js';
import { finish, leftOutRows, start } from './stats.js';
import { keepRejects } from './stored-rejects.js';
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
    for await (const batch of timed(
      notEmpty(rowsOf(node, segment, store, streams, run)),
      stats.busy,
      'asked',
    )) {
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
    try {
      making.push({ stage: component.name, facts: (await facts?.(options, context)) ?? { options } });
    } catch (error) {
      throw atStage(error, run.plan.nodes.get(id)!, run.signal);
    }
  }
  const alike = [...run.plan.nodes.values()].filter(
    ({ component, options }) =>
      component === node.component && JSON.stringify(options) === JSON.stringify(node.options),
  );
  const stores = alike.map(({ id }) => id);
  return await node.component.store(node.options, making, { ...run.contextOf(node), ...run.keeping, stores });
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
  const mayReread = isReread(id, run);
  start(stats);
  const { busy } = run.stats.get(node.id)!;
  const waited = (batches: AsyncIterable<Batch>) => timed(batches, busy, 'waiting');
  const rejected = keepRejects(chain, run);
  const wants = { above: segment.needs.get(id)!, below: segment.needs.get(node.id)! };
  for (let at = 0; at < source.bundles.length; ) {
    const bundle = source.bundles[at]!;
    const covered = await store.covered(bundle);
    skip(Math.min(covered, bundle.rows ?? 0), chain, run);
    if (covered === Infinity) {
      const kept = readBundles(source, [bundle], wants.below, stats, mayReread);
      yield* store.read(bundle, waited(kept), (remarks) => rejected.tell(bundle, remarks));
      at++;
      continue;
    }
    const rows = splitRows(readBundles(source, [bundle], wants.above, stats, mayReread), covered);
    try {
      if (covered > 0)
        yield* store.read(bundle, waited(onlyFor(wants.below, rows.before)), (kept) =>
          rejected.tell(bundle, kept),
        );
      const missing: BundlePart[] = [{ bundle, from: covered }];
      const others = missingFrom(source.bundles, at + 1, store, missing);
      const fresh = streams.from(
        oneAfterTheOther(rows.after, readBundles(source, others, wants.above, stats, mayReread)),
      );
      const made = chain.reduce(
        (stream, stage) =>
          streams.through(stream, transformed(run.plan.nodes.get(stage)!, segment.needs.get(stage)!, run)),
        fresh,
      );
      yield* store.keep(missing, waited(streams.read(made)), rejected.take);
      at += missing.length;
    } finally {
      await rows.close();
    }
  }
  rejected.close();
  finish(stats);
}

/** Bundles up to the next one of which the store has something; each is noted when its turn comes. */
async function* missingFrom(
  bundles: readonly Bundle[],
  first: number,
  store: BundleStore,
  missing: BundlePart[],
): AsyncGenerator<Bundle> {
  for (const bundle of bundles.slice(first)) {
    if ((await store.covered(bundle)) > 0) return;
    missing.push({ bundle, from: 0 });
    yield bundle;
  }
}

async function* onlyFor(needs: Needs, batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  for await (const batch of batches) yield onlyNeeded(batch, needs);
}

async function* oneAfterTheOther(...streams: readonly AsyncIterable<Batch>[]): AsyncGenerator<Batch> {
  for (const stream of streams) yield* stream;
}

/** Stages that are skipped will see fewer rows than was thought. */
function skip(rows: number, chain: readonly string[], run: Run): void {
  for (const stage of chain.map((id) => run.stats.get(id)!)) {
    if (stage.expected !== undefined) stage.expected -= rows;
  }
}
