import type { Batch, Bundle } from './batch.js';

/** The rows of a bundle from one of them on. */
export interface BundlePart {
  readonly bundle: Bundle;
  readonly from: number;
}

/** Keeps what stages have computed, in pieces of bundles. */
export interface BundleStore {
  /** Of how many rows of a bundle, from its first, it has what was computed, undamaged; Infinity: of all. */
  covered(bundle: Bundle): Promise<number>;
  /**
   * The rows of a bundle that are covered, as its source gives them, with the columns that were computed.
   * @param told what was remembered with them, piece by piece; it returns of how many rows that are missing it speaks
   */
  read(
    bundle: Bundle,
    rows: AsyncIterable<Batch>,
    told?: (remarks: readonly unknown[]) => number,
  ): AsyncIterable<Batch>;
  /**
   * Passes batches on and keeps what was computed. `parts` grows while they come: all before a batch's are done.
   * @param remarks what is to be remembered with a piece, small JSON values: of its rows `from` to `to`, or the bundle's end
   */
  keep(
    parts: readonly BundlePart[],
    batches: AsyncIterable<Batch>,
    remarks?: (piece: BundlePart & { readonly to: number }) => readonly unknown[],
  ): AsyncIterable<Batch>;
  close(): Promise<void>;
}
