import { hash } from 'node:crypto';

/**
 * The documents of a selection: 64 bits of the SHA-256 of each document's id, and its tokens; 12 bytes each. Two
 * different ids are taken for one with a chance of n² / 2^65 among n documents: 3e-6 for ten million.
 */
export interface Members {
  readonly size: number;
  /** [3 × size] both halves of each hash, then the tokens of each */
  readonly values: Uint32Array;
}

export function createMembers(size: number): Members {
  return { size, values: new Uint32Array(3 * size) };
}

export function setMember({ size, values }: Members, at: number, id: Uint8Array, tokens: number): void {
  const digest = hash('sha256', id, 'buffer');
  values[2 * at] = digest.readUInt32LE(0);
  values[2 * at + 1] = digest.readUInt32LE(4);
  values[2 * size + at] = tokens;
}

/** In the order of their hashes. */
export function sortedMembers({ size, values }: Members): Members {
  const half = (i: number, which: 0 | 1) => values[2 * i + which]!;
  const tokens = (i: number) => values[2 * size + i]!;
  const order = Uint32Array.from({ length: size }, (_, i) => i).sort(
    (a, b) => half(a, 0) - half(b, 0) || half(a, 1) - half(b, 1) || tokens(a) - tokens(b),
  );
  const sorted = createMembers(size);
  for (const [at, i] of order.entries()) {
    sorted.values[2 * at] = half(i, 0);
    sorted.values[2 * at + 1] = half(i, 1);
    sorted.values[2 * size + at] = tokens(i);
  }
  return sorted;
}

export interface Amount {
  documents: number;
  tokens: number;
}

/** Those in `now` only, in `then` only, and in both; an id that is there twice is two documents. */
export interface Change {
  readonly entered: Amount;
  /** With the tokens they had then. */
  readonly left: Amount;
  readonly stayed: Amount;
}

/** @param then, now sorted */
export function changeOf(then: Members, now: Members): Change {
  const none = (): Amount => ({ documents: 0, tokens: 0 });
  const change = { entered: none(), left: none(), stayed: none() };
  for (let a = 0, b = 0; a < then.size || b < now.size; ) {
    const order = a === then.size ? 1 : b === now.size ? -1 : compareHashes(then, a, now, b);
    const amount = order < 0 ? change.left : order > 0 ? change.entered : change.stayed;
    amount.documents++;
    amount.tokens += order < 0 ? then.values[2 * then.size + a]! : now.values[2 * now.size + b]!;
    if (order <= 0) a++;
    if (order >= 0) b++;
  }
  return change;
}

function compareHashes(a: Members, i: number, b: Members, j: number): number {
  return a.values[2 * i]! - b.values[2 * j]! || a.values[2 * i + 1]! - b.values[2 * j + 1]!;
}
