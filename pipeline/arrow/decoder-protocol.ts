import { DataError, type Place } from '../errors.js';
import type { CompiledParquet } from './wasm.js';

/** What a decoder's thread is started with. */
export interface DecoderSetup {
  readonly library: CompiledParquet;
  /** Batches that it may be ahead of who takes them. */
  readonly ahead: number;
}

/** A row group to decode; the rest as for `ParquetSource.read`. */
export interface Order {
  readonly path: string;
  readonly rowGroup: number;
  readonly columns: readonly string[] | undefined;
  readonly batchRows: number;
  readonly int96?: 'us' | 'ns' | undefined;
}

/** `more`: a batch was taken. `stop`: no more are wanted. An order is only given when the one before has ended. */
export type ToDecoder =
  | { readonly kind: 'decode'; readonly order: Order }
  | { readonly kind: 'more' }
  | { readonly kind: 'stop' };

/** Batches, each an Arrow IPC stream, then how it ended. */
export type FromDecoder =
  | { readonly kind: 'batch'; readonly encoded: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** An error on its way between threads, which keeps neither classes nor codes of errors. */
export interface Failure {
  /** Absent where it was no DataError. */
  readonly place?: Place;
  readonly message: string;
  readonly cause?: { readonly message: string; readonly code: unknown; readonly errno: unknown };
}

export function packFailure(thrown: unknown): Failure {
  if (!(thrown instanceof DataError))
    return { message: thrown instanceof Error ? thrown.message : String(thrown) };
  const { place, reason, cause } = thrown;
  if (!(cause instanceof Error)) return { place, message: reason };
  const { message, code, errno } = cause as NodeJS.ErrnoException;
  return { place, message: reason, cause: { message, code, errno } };
}

export function unpackFailure({ place, message, cause }: Failure): Error {
  if (!place) return new Error(message);
  if (!cause) return new DataError(place, message);
  const { code, errno } = cause;
  const original = Object.assign(new Error(cause.message), code === undefined ? {} : { code, errno });
  return new DataError(place, message, { cause: original });
}
