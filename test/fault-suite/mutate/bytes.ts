import type { Random } from '../random.js';

/** Bytes with 1 to 4 faults: what disks, networks and broken writers do to a file. */
export function mutateBytes(bytes: Uint8Array, numbers: Random): Uint8Array {
  let result = bytes;
  for (let times = 1 + numbers.below(4); times > 0; times--) result = numbers.pick(faults)(result, numbers);
  return result;
}

type Fault = (bytes: Uint8Array, numbers: Random) => Uint8Array;

const faults: readonly Fault[] = [
  flipBit,
  flipBit,
  (bytes, numbers) => changed(bytes, numbers, () => numbers.below(256)),
  (bytes, numbers) => changed(bytes, numbers, () => numbers.pick([0, 255, 127, 128])),
  truncated,
  // A piece is lost, comes twice, is zero, or comes from elsewhere.
  (bytes, numbers) => {
    const [start, end] = piece(bytes, numbers);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  (bytes, numbers) => {
    const [start, end] = piece(bytes, numbers);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
  },
  (bytes, numbers) => {
    const [start, end] = piece(bytes, numbers);
    return Buffer.from(bytes).fill(0, start, end);
  },
  (bytes, numbers) => {
    const [start, end] = piece(bytes, numbers);
    const copy = Buffer.from(bytes);
    copy.set(bytes.subarray(start, end), numbers.below(bytes.length - (end - start) + 1));
    return copy;
  },
  (bytes, numbers) => Buffer.concat([bytes, Buffer.alloc(1 + numbers.below(64), numbers.below(256))]),
];

export function flipBit(bytes: Uint8Array, numbers: Random): Uint8Array {
  return changed(bytes, numbers, (byte) => byte ^ (1 << numbers.below(8)));
}

export function truncated(bytes: Uint8Array, numbers: Random): Uint8Array {
  return bytes.subarray(0, numbers.below(bytes.length + 1));
}

function changed(bytes: Uint8Array, numbers: Random, change: (byte: number) => number): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = numbers.below(copy.length);
  if (at < copy.length) copy[at] = change(copy[at]!);
  return copy;
}

function piece(bytes: Uint8Array, numbers: Random): [start: number, end: number] {
  const start = numbers.below(bytes.length + 1);
  const longest = Math.min(bytes.length - start, numbers.pick([1, 4, 16, 300]));
  return [start, start + numbers.below(longest + 1)];
}
