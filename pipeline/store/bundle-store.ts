import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from '../batch.js';
import type { BundleStore, Making, StoreContext } from '../component.js';
import { replaceDurably } from '../durable.js';
import { DataError, messageOf, NagError } from '../errors.js';
import { sweepLeftovers } from '../leftovers.js';
import { makingHash, makingJson, parseMaking } from './facts.js';
import { FileDigests } from './file-digests.js';
import { type Kept, keepPieces } from './keep.js';
import { attachKept } from './kept-columns.js';
import { compareWithLast } from './last-making.js';
import { isIntact, PieceWriter, readPiece, readRemarks } from './piece-file.js';
import { arrangePieces, coveredBy, type Piece, removePiece } from './pieces.js';

const makingName = 'making.json';
const pieceBytes = 64e6;

/**
 * Opens the part of a folder that holds what was made in one way. `<folder>/<hash of the making>/` has a `making.json`
 * and the pieces of bundles, named by the content of the bundle's file, so that files may be moved, renamed and come
 * again.
 * @param used told of each piece that this run uses
 * Errors: DataError where the folder cannot be written; NagError where the last run made it otherwise and that
 * is to be refused.
 */
export async function openBundleStore(
  folder: string,
  making: Making,
  context: StoreContext,
  used: (path: string) => Promise<void> = async () => undefined,
): Promise<BundleStore> {
  const own = join(folder, makingHash(making).slice(0, 16));
  await prepare(folder, own, making, context);
  const digests = await FileDigests.open(folder);
  const pieces = arrangePieces(await readdir(own)).kept;
  const keyOf = async (bundle: Bundle) => nameOf(await digests.of(bundle.file, context.signal), bundle);
  return {
    covered: async (bundle) =>
      coveredBy(await intact(pieces.get(await keyOf(bundle)) ?? [], own, used, context)),
    read: async function* (bundle, rows, told) {
      let explained = 0;
      const kept = rowsOf(pieces.get(await keyOf(bundle)) ?? [], own, (remarks) => {
        explained += told?.(remarks) ?? 0;
      });
      const leftOut = (count: number) => {
        const others = Math.max(0, count - explained);
        explained -= count - others;
        if (others > 0) context.leftOut('left out when the others were kept', others);
      };
      for await (const batch of attachKept(rows, kept, leftOut)) {
        context.count('reused', batch.rows.length);
        yield batch;
      }
    },
    keep: (parts, batches, remarks) => {
      const limits = { seconds: context.pieceSeconds, bytes: pieceBytes };
      return keepPieces(parts, batches, keptIn(own, pieces, keyOf, context), limits, remarks);
    },
    close: () => digests.save(),
  };
}

/** Where a bundle lies: its file's content, with what its path adds to that, and which rows of it. */
function nameOf(content: string, { firstRow, rows, partition }: Bundle): string {
  const sha256 =
    partition === undefined ? content : createHash('sha256').update(`${content} ${partition}`).digest('hex');
  return `${sha256.slice(0, 32)}-${firstRow}-${rows ?? 'all'}`;
}

/** Pieces that are known to be as they were written: each is read for that once a run. */
const verified = new WeakSet<Piece>();

/** Takes pieces away from the first damaged one on: they are made again. */
async function intact(
  pieces: Piece[],
  folder: string,
  used: (path: string) => Promise<void>,
  context: StoreContext,
): Promise<readonly Piece[]> {
  for (const [at, piece] of pieces.entries()) {
    if (verified.has(piece)) continue;
    if (await isIntact(folder, piece, context.signal)) {
      verified.add(piece);
      await used(join(folder, piece.name));
    } else {
      context.note(`${join(folder, piece.name)} is damaged: made again`);
      for (const lost of pieces.splice(at)) await removePiece(folder, lost);
    }
  }
  return pieces;
}

async function* rowsOf(
  pieces: readonly Piece[],
  folder: string,
  told: (remarks: readonly unknown[]) => void,
) {
  for (const piece of pieces) {
    told(await readRemarks(folder, piece));
    yield* readPiece(join(folder, piece.name));
  }
  return undefined;
}

function keptIn(
  folder: string,
  pieces: Map<string, Piece[]>,
  keyOf: (bundle: Bundle) => Promise<string>,
  context: StoreContext,
): Kept {
  return {
    begin: async (bundle, from) => {
      const there = coveredBy(pieces.get(await keyOf(bundle)) ?? []);
      return there === from ? await PieceWriter.open(folder) : undefined;
    },
    finish: async (writer, { bundle, from, to }, remarks) => {
      const key = await keyOf(bundle);
      const piece = await writer.finish({ key, from, to }, remarks);
      verified.add(piece);
      pieces.set(key, [...(pieces.get(key) ?? []), piece]);
    },
    lost: (cause) => context.note(`the last rows could not be kept: ${messageOf(cause)}`),
  };
}

async function prepare(folder: string, own: string, making: Making, context: StoreContext): Promise<void> {
  try {
    await mkdir(own, { recursive: true });
    for (const place of [folder, own]) await sweepLeftovers(place);
    await compareWithLast(folder, making, context);
    const file = join(own, makingName);
    const found = await readFile(file, 'utf8').catch(() => undefined);
    if (found?.trim() === makingJson(making)) return;
    if (found !== undefined) context.note(`${file} is damaged: written again`);
    await replaceDurably(file, `${makingJson(making)}\n`);
  } catch (cause) {
    if (cause instanceof NagError) throw cause;
    throw new DataError({ file: folder }, `cannot hold what is kept: ${messageOf(cause)}`, { cause });
  }
}

/** What a store holds: its folders, and how what lies in each was made. No store, no folders. */
export async function storeFolders(folder: string): Promise<{ path: string; making: Making }[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => ({ path: join(folder, name), making: await makingOf(join(folder, name)) })),
  );
  return found.flatMap(({ path, making }) => (making ? [{ path, making }] : []));
}

/** How what lies in one folder of a store was made; undefined for any other folder. */
export async function makingOf(path: string): Promise<Making | undefined> {
  return parseMaking(await readFile(join(path, makingName), 'utf8').catch(() => ''));
}
