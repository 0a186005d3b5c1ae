import { hash } from 'node:crypto';

/**
 * A number in [0, 1) for a key: the first 48 bits, big-endian, of SHA-256 of `"<seed>\n<key>"`, divided by 2^48. The
 * same on every machine and in every order.
 */
export function seededFraction(seed: number, key: string): number {
  return hash('sha256', `${seed}\n${key}`, 'buffer').readUIntBE(0, 6) / 2 ** 48;
}
