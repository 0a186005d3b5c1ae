import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { arrangePieces, type Piece, parsePieceName, removePiece } from './pieces.js';

/**
 * Remembers that a run has used a piece, by its time of change. Where the file system does not let it, the piece may be
 * made once more than needed.
 */
export async function markUsed(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}

/**
 * Removes from the folders of a store the bundles of which no run has used or written a piece since then, and folders
 * that hold none any more. Nothing else may be running that uses it.
 * @returns how many bytes were removed
 */
export async function removeUnused(folder: string, since: Date): Promise<number> {
  let bytes = 0;
  // A pipeline without costly stages has no such folder.
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries.filter((one) => one.isDirectory())) {
    const own = join(folder, entry.name);
    const names = await readdir(own);
    const { kept } = arrangePieces(names);
    for (const pieces of kept.values()) bytes += await removeIfUnused(own, pieces, since);
    const left = await readdir(own);
    if (names.some(parsePieceName) && !left.some((name) => name !== 'making.json'))
      await rm(own, { recursive: true });
  }
  return bytes;
}

async function removeIfUnused(folder: string, pieces: readonly Piece[], since: Date): Promise<number> {
  const found = await Promise.all(pieces.map(({ name }) => stat(join(folder, name))));
  if (found.some(({ mtime }) => mtime >= since)) return 0;
  // The last first: what is left after a kill still begins with the first row.
  for (const piece of [...pieces].reverse()) await removePiece(folder, piece);
  return found.reduce((sum, { size }) => sum + size, 0);
}
