import { hash } from 'node:crypto';

/** Words of 32 bits that are kept of a digest. */
const words = 4;
const partitions = 256;
const fullest = 0.8;
const growth = 1.3;

/**
 * A set of byte strings, of which it keeps 128 bits of their SHA-256 in open-addressed tables: 20 to 26 bytes a member,
 * however long they are. Two different members are taken for one with a chance of n² / 2^129: 1e-21 for a billion.
 */
export interface DigestSet {
  readonly tables: Table[];
  size: number;
  bytes: number;
}

/** A part of the set that grows on its own, so that growing never needs twice the memory. */
interface Table {
  /** [slots × 4]; a slot whose last word is 0 is empty */
  slots: Uint32Array;
  size: number;
}

export function createDigestSet(): DigestSet {
  const tables = Array.from({ length: partitions }, () => ({ slots: new Uint32Array(16 * words), size: 0 }));
  return { tables, size: 0, bytes: partitions * 16 * words * 4 };
}

/** Adds a member; false where it is there already. */
export function addMember(set: DigestSet, member: Uint8Array | string): boolean {
  const digest = digestOf(member);
  const table = set.tables[digest[0]! % partitions]!;
  if (!insert(table.slots, digest, 0)) return false;
  set.size++;
  table.size++;
  if (table.size * words > table.slots.length * fullest) {
    set.bytes -= table.slots.byteLength;
    table.slots = larger(table.slots);
    set.bytes += table.slots.byteLength;
  }
  return true;
}

function digestOf(member: Uint8Array | string): Uint32Array {
  const bytes = hash('sha256', member, 'buffer');
  const digest = Uint32Array.from({ length: words }, (_, i) => bytes.readUInt32LE(i * 4));
  digest[words - 1] ||= 1;
  return digest;
}

/** Puts the digest at `from[at]` into its slot, or the next free one; false where it is in the table. */
function insert(slots: Uint32Array, from: Uint32Array, at: number): boolean {
  const count = slots.length / words;
  let slot = Math.floor((from[at + 1]! / 2 ** 32) * count) * words;
  for (; slots[slot + words - 1] !== 0; slot = (slot + words) % slots.length) {
    if (
      slots[slot] === from[at] &&
      slots[slot + 1] === from[at + 1] &&
      slots[slot + 2] === from[at + 2] &&
      slots[slot + 3] === from[at + 3]
    )
      return false;
  }
  for (let i = 0; i < words; i++) slots[slot + i] = from[at + i]!;
  return true;
}

function larger(slots: Uint32Array): Uint32Array {
  const grown = new Uint32Array(Math.ceil((slots.length / words) * growth) * words);
  for (let slot = 0; slot < slots.length; slot += words)
    if (slots[slot + words - 1] !== 0) insert(grown, slots, slot);
  return grown;
}
