import type { Batch } from './batch.js';
import type { Context } from './component.js';

/**
 * What is known of a stage's rows before there are any: a batch without rows for each way on which they come. Undefined
 * where nothing is known, as behind a stage that does not say what comes out of it.
 */
export type Known = readonly Batch[] | undefined;

/** Of each side input: what is known of its stages, in the order in which they are named. */
export type KnownSides = ReadonlyMap<string, readonly Known[]>;

/** What comes out of a stage of batches without rows. */
export type Preview<Options> = (
  input: readonly Batch[],
  options: Options,
  context: Context,
  sides: KnownSides,
) => Promise<Known> | Known;

/** What a chain of stages hands on, by name, such as `features`: told of one that is incomplete before anything is read. */
export interface Chain {
  readonly takes?: string;
  readonly makes?: string;
  /** What is to be done where nothing above makes what it takes: `put extract and top_k before it`. */
  readonly remedy?: string;
  /** Where this is made above, but not what it takes, a stage was forgotten. */
  readonly after?: string;
  /** It asks its source for the columns that it takes: they may be in files. Otherwise only where all columns are read. */
  readonly fromFiles?: boolean;
  /** Of a source: what its files cannot hold. */
  readonly never?: readonly string[];
}
