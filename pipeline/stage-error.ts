import { pathToFileURL } from 'node:url';
import type { OpenSource } from './component.js';
import { DataError, isRefusal, messageOf, NagError } from './errors.js';
import type { Node } from './plan.js';

/** Of errors that say it: their messages without the stage, and the stage. */
const placed = new WeakMap<Error, { readonly message: string; readonly stage: string }>();

/** Defects by the first stage that they left: a plugin further down only passes them on. */
const left = new WeakSet<object>();

/** What an error needs to know of a stage. */
export type StagePlace = Pick<Node, 'fused' | 'place'> & { readonly component?: { readonly file?: string } };

/**
 * An error with the stage in which it arose behind its message, and where that is in the configuration:
 * `pool.parquet: row 17: … (stage "pool", select.yaml:4:5)`. The first stage that it leaves counts. What a plugin throws is an error of
 * that file. Defects of this program stay as they are, and so does what stops the whole run.
 */
export function atStage(thrown: unknown, stage: StagePlace, signal?: AbortSignal): unknown {
  const error = ofPlugin(thrown, stage.component?.file, signal);
  if (!(error instanceof NagError || isRefusal(error)) || placed.has(error)) return error;
  return withPlace(error, stage, signal);
}

function withPlace(error: Error, { fused, place }: StagePlace, signal?: AbortSignal): Error {
  // What has another exit code is no failure of one stage, or names its place in front.
  const isRuns = error === signal?.reason || (error instanceof NagError && error.exitCode !== 1);
  if (isRuns) return error;
  const stages = fused.map((id) => `"${id}"`).join(' + ');
  const stage = `stage ${stages}${place === undefined ? '' : `, ${place}`}`;
  placed.set(error, { message: error.message, stage });
  error.message += ` (${stage})`;
  return error;
}

/** Whatever a plugin throws that is no `NagError`: one that names its file, and the line where the stack has it. */
function ofPlugin(thrown: unknown, file: string | undefined, signal?: AbortSignal): unknown {
  if (thrown instanceof NagError || isRefusal(thrown) || thrown === signal?.reason) return thrown;
  if (thrown !== null && typeof thrown === 'object') {
    if (left.has(thrown)) return thrown;
    left.add(thrown);
  }
  if (file === undefined) return thrown;
  const [, line] =
    (thrown instanceof Error && thrown.stack?.split(pathToFileURL(file).href)[1]?.match(/^:(\d+)/)) || [];
  const place = { file, ...(line !== undefined && { line: Number(line) }) };
  return new DataError(
    place,
    thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : messageOf(thrown),
    {
      cause: thrown,
    },
  );
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
  node: StagePlace,
  signal: AbortSignal,
): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw atStage(error, node, signal);
  }
}

/** A source whose errors say that they are from its stage, whoever reads it. */
export function sourceAt(source: OpenSource, node: StagePlace, signal: AbortSignal): OpenSource {
  const { schema, roles, bundles, rows, kinds } = source;
  return {
    schema,
    roles,
    bundles,
    rows,
    ...(kinds && { kinds }),
    read: (...asked) => withStage(source.read(...asked), node, signal),
    close: () => source.close(),
  };
}
