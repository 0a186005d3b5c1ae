import type { Random } from '../random.js';
import { mutateBytes } from './bytes.js';
import { mutateJson } from './json.js';

/** A file of weights in which the header's length, its JSON or its meaning is wrong, or some bytes. */
export function mutateSafetensors(bytes: Buffer, numbers: Random): Uint8Array {
  const length = Number(bytes.readBigUInt64LE(0));
  const header: unknown = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const data = bytes.subarray(8 + length);
  switch (numbers.below(6)) {
    case 0:
      return withLength(bytes, lengths(length, bytes.length, numbers));
    case 1:
      return Buffer.concat([bytes.subarray(0, 8), mutateBytes(bytes.subarray(8, 8 + length), numbers), data]);
    case 2:
      return mutateBytes(bytes, numbers);
    default:
      return assemble(
        JSON.stringify(numbers.below(2) === 0 ? mutateJson(header, numbers) : mutateTensor(header, numbers)),
        data,
      );
  }
}

export function assemble(json: string, data: Uint8Array): Buffer {
  const text = Buffer.from(json);
  return Buffer.concat([withLength(Buffer.alloc(8), BigInt(text.length)), text, data]);
}

function withLength(bytes: Buffer, length: bigint): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeBigUInt64LE(length, 0);
  return copy;
}

function lengths(length: number, size: number, numbers: Random): bigint {
  const near = numbers.pick([
    0,
    1,
    2,
    7,
    length - 1,
    length + 1,
    length + 8,
    size - 8,
    size,
    size - 9,
    100_000_001,
  ]);
  return numbers.below(2) === 0
    ? BigInt(near)
    : numbers.pick([2n ** 63n, 2n ** 64n - 1n, 2n ** 53n + 1n, 2n ** 32n]);
}

/** One tensor's offsets, shape or type are those of another, or of none. */
function mutateTensor(header: unknown, numbers: Random): unknown {
  const entries = Object.entries(header as Record<string, Record<string, unknown>>);
  const at = 1 + numbers.below(entries.length - 1);
  const [name, entry] = entries[at]!;
  const [begin = 0, end = 0] = entry['data_offsets'] as number[];
  const shape = entry['shape'] as number[];
  const shift = numbers.pick([1, -1, 4, 1024, 2 ** 31, 2 ** 53, -begin]);
  const changed = numbers.pick<Record<string, unknown>>([
    { data_offsets: [begin + shift, end + shift] },
    { data_offsets: [begin, end + shift] },
    { data_offsets: [end, begin] },
    { data_offsets: [begin, begin] },
    { data_offsets: [begin, end, end] },
    {
      data_offsets: (entries[1 + numbers.below(entries.length - 1)]![1] as { data_offsets?: unknown })
        .data_offsets,
    },
    { shape: [...shape].reverse() },
    { shape: [...shape, 1] },
    { shape: [] },
    { shape: shape.map((extent) => extent * 2 ** 30) },
    { shape: [2 ** 27, 2 ** 27] },
    { shape: [0, ...shape.slice(1)] },
    { shape: shape.map((extent) => -extent) },
    { shape: shape.map(String) },
    { dtype: numbers.pick(['F16', 'BF16', 'F64', 'I32', 'U8', 'F8_E4M3', 'F4', '', 'f32', 'BOOL']) },
  ]);
  const renamed = numbers.below(8) === 0 ? numbers.pick([`${name}x`, '__proto__', '', entries[1]![0]]) : name;
  return Object.fromEntries(entries.map((own, i) => (i === at ? [renamed, { ...entry, ...changed }] : own)));
}
