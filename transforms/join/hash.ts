/** Two 32-bit hashes of a key: which entries of an index may be it. */
export interface KeyHash {
  high: number;
  /** Only its upper 4 bits are used. */
  low: number;
}

/** FNV-1a with two multipliers, each mixed at its end as MurmurHash3 does. Writes into `out`, which saves an object. */
export function hashKey(key: Uint8Array, out: KeyHash): KeyHash {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (const byte of key) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
  }
  out.high = mixed(a ^ key.length);
  out.low = mixed(b);
  return out;
}

function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
