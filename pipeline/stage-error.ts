import type { OpenSource } from './component.js';
import { isRefusal, NagError } from './errors.js';
import type { Node } from './plan.js';

/** Of errors that say it: their messages without the stage, and the stage. */
const placed = new WeakMap<Error, { readonly message: string; readonly stage: string }>();

/**
 * An error with the stage in which it arose behind its message, and where that is in the configuration:
 * `pool.parquet: row 17: … (stage "pool", select.yaml:4:5)`. The first stage that it leaves counts. Defects stay as they are, and
 * so does what stops the whole run.
 */
export function atStage(
  error: unknown,
  { fused, place }: Pick<Node, 'fused' | 'place'>,
  signal?: AbortSignal,
): unknown {
  if (!(error instanceof NagError || isRefusal(error)) || placed.has(error)) return error;
  // What has another exit code is no failure of one stage, or names its place in front.
  const isRuns = error === signal?.reason || (error instanceof NagError && error.exitCode !== 1);
  if (isRuns) return error;
  const stages = fused.map((id) => `"${id}"`).join(' + ');
  const stage = `stage ${stages}${place === undefined ? '' : `, ${place}`}`;
  placed.set(error, { message: error.message, stage });
  error.message += ` (${stage})`;
  return error;
}

/** The messages of errors, each once, with all stages that have it. */
export function withPlaces(errors: readonly Error[]): string[] {
  const stages = new Map<string, Set<string>>();
  for (const error of errors) {
    const { message, stage } = placed.get(error) ?? { message: error.message, stage: undefined };
    const own = stages.get(message) ?? new Set();
    if (stage !== undefined) own.add(stage);
    stages.set(message, own);
  }
  return [...stages].map(([message, own]) =>
    own.size === 0 ? message : `${message} (${[...own].join('; ')})`,
  );
}

/** Passes batches on; what a stage throws says that it is from there. */
export async function* withStage<T>(
  items: AsyncIterable<T>,
  node: Pick<Node, 'fused' | 'place'>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw atStage(error, node, signal);
  }
}

/** A source whose errors say that they are from its stage, whoever reads it. */
export function sourceAt(
  source: OpenSource,
  node: Pick<Node, 'fused' | 'place'>,
  signal: AbortSignal,
): OpenSource {
  const { schema, roles, bundles, rows } = source;
  return {
    schema,
    roles,
    bundles,
    rows,
    read: (...asked) => withStage(source.read(...asked), node, signal),
    close: () => source.close(),
  };
}
