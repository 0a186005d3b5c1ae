import type { RecordBatch } from 'apache-arrow';
import { gatherBatch } from '../arrow/gather.js';
import type { Batch, Bundle } from '../batch.js';
import type { BundlePart, BundleStore } from '../component.js';
import { keptColumns } from './kept-columns.js';
import type { PieceWriter } from './piece-file.js';

/** Rows of a bundle that become a piece. */
export interface PieceRows {
  readonly bundle: Bundle;
  readonly from: number;
  /** Infinity: to the bundle's end. */
  readonly to: number;
}

/** Where pieces are written. */
export interface Kept {
  /** Begins a piece; undefined where rows from `from` on are there already, as those of a file with the same content are. */
  begin(bundle: Bundle, from: number): Promise<PieceWriter | undefined>;
  finish(writer: PieceWriter, rows: PieceRows, remarks: readonly unknown[]): Promise<void>;
  /** Told why the last piece of a run that stops could not be finished. */
  lost(cause: unknown): void;
}

/** A piece is closed once it holds so much, or so much time has gone into it. */
export interface PieceLimits {
  readonly seconds: number;
  readonly bytes: number;
}

/**
 * Passes batches on, and keeps what was computed for them: a piece is closed when it is large or old enough, when its
 * bundle ends, and when the run stops, whatever the reason. What has come through is right, and is not lost.
 */
export async function* keepPieces(
  parts: readonly BundlePart[],
  batches: AsyncIterable<Batch>,
  kept: Kept,
  limits: PieceLimits,
  remarks: Parameters<BundleStore['keep']>[2] = () => [],
): AsyncGenerator<Batch> {
  let at = 0;
  let rows: { from: number; to: number } | undefined;
  let writer: PieceWriter | undefined;
  let columns: RecordBatch | undefined;
  let since = performance.now();

  /** Rows of the part in progress that are in no closed piece. */
  const open = () => {
    const from = parts[at]?.from ?? 0;
    rows ??= { from, to: from };
    return rows;
  };
  const close = async (ends: boolean) => {
    const { bundle } = parts[at]!;
    const { from, to } = open();
    const piece = { bundle, from, to: ends || to === bundle.rows ? Infinity : to };
    const current = writer;
    writer = undefined;
    if (current) await kept.finish(current, piece, remarks(piece)).finally(() => current.abandon());
    rows = { from: to, to };
    since = performance.now();
  };
  /** Ends the parts before one: a bundle of which nothing came is done as well, all of its rows were left out. */
  const reach = async (bundle: Bundle | undefined) => {
    for (; at < parts.length && parts[at]!.bundle !== bundle; at++) {
      if (columns) {
        writer ??= await kept.begin(parts[at]!.bundle, open().from);
        await writer?.write(gatherBatch(columns, new Uint32Array(0)));
      }
      await close(true);
      rows = undefined;
    }
  };
  try {
    for await (const batch of batches) {
      columns = keptColumns(batch);
      await reach(batch.bundle);
      const last = batch.rows.at(-1);
      if (last !== undefined) {
        writer ??= await kept.begin(batch.bundle, open().from);
        await writer?.write(columns);
        open().to = last + 1;
      }
      const full = (writer?.bytes ?? 0) >= limits.bytes || performance.now() - since >= limits.seconds * 1000;
      if (full) await close(false);
      yield batch;
    }
    await reach(undefined);
  } finally {
    if (writer) await close(false).catch((cause: unknown) => kept.lost(cause));
  }
}
