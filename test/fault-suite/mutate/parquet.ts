import type { Random } from '../random.js';
import { mutateBytes } from './bytes.js';

/** A Parquet file with faults in its pages, in its footer, or at its end, where the footer's length stands. */
export function mutateParquet(bytes: Buffer, numbers: Random): { bytes: Uint8Array; inFooter: boolean } {
  const start = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  const [pages, footer, end] = [bytes.subarray(0, start), bytes.subarray(start, -8), bytes.subarray(-8)];
  switch (numbers.below(8)) {
    case 0: {
      const length = Buffer.from(end);
      const size = footer.length;
      length.writeUInt32LE(
        numbers.pick([
          0,
          1,
          size - 1,
          size + 1,
          size >> 1,
          bytes.length - 8,
          bytes.length,
          2 ** 31,
          2 ** 32 - 1,
        ]),
      );
      return { bytes: Buffer.concat([pages, footer, length]), inFooter: true };
    }
    case 1:
      return { bytes: mutateBytes(bytes, numbers), inFooter: true };
    case 2:
    case 3:
    case 4:
      return { bytes: Buffer.concat([pages, sameLength(footer, numbers), end]), inFooter: true };
    default:
      return { bytes: Buffer.concat([sameLength(pages, numbers), footer, end]), inFooter: false };
  }
}

/** Faults that leave all else where it is. */
function sameLength(bytes: Uint8Array, numbers: Random): Uint8Array {
  const changed = Buffer.from(mutateBytes(bytes, numbers)).subarray(0, bytes.length);
  return Buffer.concat([changed, Buffer.alloc(bytes.length - changed.length)]);
}
