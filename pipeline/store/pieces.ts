import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A file of consecutive rows of a bundle: `<key>.<from>-<to or end>.<crc>.arrow`. What is to be remembered besides
 * lies next to it in a `.json` of the same name.
 */
export interface Piece {
  readonly name: string;
  /** Which bundle: content of its file, first row, rows. */
  readonly key: string;
  /** Its rows are `from` to `to`, the latter not included; Infinity: to the end of the bundle. */
  readonly from: number;
  readonly to: number;
  /** CRC-32 in hex of the file's bytes, and then of those that lie beside it. */
  readonly crc: string;
}

export function pieceName({ key, from, to, crc }: Omit<Piece, 'name'>): string {
  return `${key}.${from}-${to === Infinity ? 'end' : to}.${crc}.arrow`;
}

/** Undefined for the name of any other file. */
export function parsePieceName(name: string): Piece | undefined {
  const match = /^([0-9a-f]{32}-\d+-(?:\d+|all))\.(\d+)-(\d+|end)\.([0-9a-f]{8})\.arrow$/.exec(name);
  if (!match) return undefined;
  const [, key = '', from, to, crc = ''] = match;
  return { name, key, from: Number(from), to: to === 'end' ? Infinity : Number(to), crc };
}

/** Where what belongs to a piece besides its rows lies. */
export function remarksPath(piecePath: string): string {
  return piecePath.replace(/\.arrow$/, '.json');
}

/** The pieces of each bundle that follow one another from its first row on, and those that do not. */
export function arrangePieces(names: readonly string[]): { kept: Map<string, Piece[]>; leftOver: Piece[] } {
  const kept = new Map<string, Piece[]>();
  const leftOver: Piece[] = [];
  const pieces = names.flatMap((name) => parsePieceName(name) ?? []);
  for (const piece of pieces.sort((a, b) => a.from - b.from || b.to - a.to || compare(a.name, b.name))) {
    const before = kept.get(piece.key) ?? [];
    if (piece.from !== coveredBy(before)) leftOver.push(piece);
    else kept.set(piece.key, [...before, piece]);
  }
  return { kept, leftOver };
}

/** Up to which row pieces that follow one another reach. */
export function coveredBy(pieces: readonly Piece[]): number {
  return pieces.at(-1)?.to ?? 0;
}

export async function removePiece(folder: string, { name }: Piece): Promise<void> {
  const path = join(folder, name);
  await rm(path, { force: true });
  await rm(remarksPath(path), { force: true });
}

/** A file that is being written; its process may be dead. */
const unfinished = /^\..+\.tmp-/;

/** Removes what dead runs have left half written, or written twice. Nothing may be running that uses the folder. */
export async function sweepStore(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const { kept, leftOver } = arrangePieces(names);
  const pieces = new Set([...kept.values()].flat().map(({ name }) => name));
  for (const piece of leftOver) await removePiece(folder, piece);
  for (const name of names) {
    const lost = /^[0-9a-f]{32}-.*\.json$/.test(name) && !pieces.has(name.replace(/\.json$/, '.arrow'));
    if (lost || unfinished.test(name)) await rm(join(folder, name), { force: true });
  }
  for (const entry of entries) if (entry.isDirectory()) await sweepStore(join(folder, entry.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
