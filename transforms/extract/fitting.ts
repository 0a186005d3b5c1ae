import type { Context } from '../../pipeline/component.js';
import { NagError } from '../../pipeline/errors.js';
import { OutOfMemory } from '../backbone/session-faults.js';
import type { SessionResult } from '../backbone/types.js';

/** Most tokens of a batch, padding included; less from the time when a batch did not fit into the memory. */
export interface Budget {
  tokens: number;
}

export interface Fitting {
  readonly budget: Budget;
  run(group: readonly number[]): Promise<SessionResult>;
  /** Tokens of a document. */
  lengthOf(document: number): number;
  /** Told of each batch that is halved, and whose memory did not hold it. */
  onHalved(device: string): void;
}

/** Documents that the model has seen at once, and their outputs. */
export interface Part {
  readonly group: readonly number[];
  readonly result: SessionResult;
}

/**
 * Runs a batch. One that the memory does not hold is halved, down to single documents, and later ones are made smaller.
 * @throws NagError for a single document that does not fit
 */
export async function* runFitting(group: readonly number[], fitting: Fitting): AsyncGenerator<Part> {
  let result: SessionResult;
  try {
    result = await fitting.run(group);
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    if (group.length === 1) throw doesNotFit(fitting.lengthOf(group[0]!), error);
    const padded = group.length * Math.max(...group.map((document) => fitting.lengthOf(document)));
    fitting.budget.tokens = Math.min(fitting.budget.tokens, Math.ceil(padded / 2));
    fitting.onHalved(error.device);
    const half = Math.ceil(group.length / 2);
    yield* runFitting(group.slice(0, half), fitting);
    yield* runFitting(group.slice(half), fitting);
    return;
  }
  yield { group, result };
}

/** Tells of a halved batch: once, and counted. */
export function tellHalved(context: Context, device: string): void {
  context.count('halved batches', 1);
  context.note(
    `a batch did not fit into the memory of ${device}: it was halved, and later ones are smaller; lower batch_tokens`,
  );
}

function doesNotFit(tokens: number, cause: OutOfMemory): NagError {
  const { device } = cause;
  return new NagError(
    `a document of ${tokens} tokens does not fit into the memory of ${device}, not even alone, whatever batch_tokens says: lower max_length, or choose a device with more memory (${cause.message})`,
    { cause },
  );
}
