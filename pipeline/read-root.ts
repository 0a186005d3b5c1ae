import type { Batch, Bundle } from './batch.js';
import { begin, timed } from './busy.js';
import type { Needs, OpenSource } from './component.js';
import { neededFrom } from './needed.js';
import type { Node } from './plan.js';
import { rereadRoots } from './plan-questions.js';
import type { Run } from './run.js';
import { withStage } from './stage-error.js';
import { addTo, finish, type StageStats, start } from './stats.js';

/** A root's batches: a source's bundles in order, or the rows of a combine. At least one, if only with no rows. */
export async function* readRoot(node: Node, needs: Needs, run: Run): AsyncGenerator<Batch> {
  const stats = run.stats.get(node.id)!;
  start(stats);
  const source = run.sources.get(node.id);
  const batches = source
    ? readBundles(source, source.bundles, needs, stats, isReread(node.id, run))
    : readCombine(node, run, stats);
  for await (const batch of withStage(notEmpty(batches), node, run.signal)) {
    run.signal.throwIfAborted();
    yield batch;
  }
  finish(stats);
}

/** Without batches that have no rows; but where no other comes, with one for its columns: outputs can be written with them. */
export async function* notEmpty(batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  let some = false;
  let empty: Batch | undefined;
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

/** The rows of some of a source's bundles, counted. */
export async function* readBundles(
  source: OpenSource,
  bundles: Iterable<Bundle> | AsyncIterable<Bundle>,
  needs: Needs,
  stats: StageStats,
  mayReread: boolean,
): AsyncGenerator<Batch> {
  const leftOut = (reason: string, rows: number) => {
    stats.rowsIn += rows;
    addTo(stats.leftOut, reason, rows);
  };
  const there = neededFrom(needs, source);
  for await (const bundle of bundles) {
    for await (const batch of timed(
      source.read(bundle, there, { leftOut, mayReread }),
      stats.busy,
      'asked',
    )) {
      stats.rowsIn += batch.rows.length;
      stats.rowsOut += batch.rows.length;
      yield batch;
    }
  }
}

/** Whether rows of a source may be read again. */
export function isReread(source: string, run: Run): boolean {
  return rereadRoots(run.plan).has(source);
}

async function* readCombine(node: Node, run: Run, stats: StageStats): AsyncGenerator<Batch> {
  const { accumulator, partial } = run.combined.get(node.id)!;
  // A combine that says `yields: rows` extracts an iterable of batches: the one thing its type cannot say.
  const end = begin(stats.busy, 'asked');
  const rows = (await accumulator.extract(partial)) as AsyncIterable<Batch>;
  end();
  for await (const batch of timed(rows, stats.busy, 'asked')) {
    stats.rowsOut += batch.rows.length;
    yield batch;
  }
}
