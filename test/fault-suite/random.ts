/** Numbers from a seed: the same faults on every machine. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  pick<T>(items: readonly T[]): T;
}

/** Marsaglia's xorshift of 32 bits, its seed stirred first: neighbouring seeds give numbers that differ. */
export function random(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let i = 0; i < 8; i++) next();
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return { below, pick: (items) => items[below(items.length)]! };
}
