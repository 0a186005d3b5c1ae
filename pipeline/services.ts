import type { Place } from './errors.js';
import type { StagedOutput } from './publication/staging.js';

/** Says that rows cannot be used: where they are, and why. */
export type Reject = (place: Place, reason: string, more?: Rejection) => void;

/** What more is known of rows that are rejected. */
export interface Rejection {
  /** How many; undefined where that cannot be known, as of a file that cannot be opened. */
  readonly rows?: number | undefined;
  /** A `NagError` is what is thrown under `on_error: fail`. */
  readonly cause?: unknown;
}

/** What a stage leaves for the next run: kept when the run is complete, and then replaces what was there. */
export interface Memory {
  /** When that run was complete; undefined where there was none. */
  readonly since: Date | undefined;
  /** What the last complete run left under a name, in memory of its own; undefined where there is nothing. */
  recall(name: string): Promise<Uint8Array | undefined>;
  remember(name: string, value: Uint8Array): Promise<void>;
}

/** What a sink made: complete and verified, but not visible yet. The engine publishes it, or not. */
export interface Prepared {
  readonly rows: number;
  /** What is to be moved to its path; nothing where the sink writes no file. `stageOutput` makes it. */
  readonly outputs: readonly StagedOutput[];
  /** The names under which it will be seen. */
  readonly files: readonly string[];
  /** Printed at the end of the run. */
  readonly report?: string;
  /** Removes what was not published, and the folders it was staged in. Called once, in any case. */
  discard(): Promise<void>;
}
