import { DataError } from '../../pipeline/errors.js';
import { tensorChunks } from './tensor-chunks.js';
import type { Tensor, WeightType } from './types.js';

/** A matrix as integers, transposed: `W[row][column] ≈ values[column][row] · scales[row]`. */
export interface QuantizedMatrix {
  /** [columns, rows], −127 … 127 */
  readonly values: Int8Array<ArrayBuffer>;
  /** [rows] */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** Rows that are transposed together: what they take stays in the processor's cache. */
const rowsAtOnce = 64;

/** Values that are decoded together. */
const valuesAtOnce = 1 << 20;

/** A 127th of less has fewer digits than a float32 should. */
const smallestNormal = 2 ** -119;

/**
 * Quantizes each row of a matrix by itself: its scale is a 127th of its largest absolute value, or 1 where that is 0, and
 * its integers are `round(127 · value / largest)`, halves towards +∞: values of 8 bits are often just half the largest. The file is read some megabytes at a time.
 * @throws DataError where the file ends early or a value is not finite; the signal's reason when it is aborted
 */
export async function quantizeRows(tensor: Tensor, signal?: AbortSignal): Promise<QuantizedMatrix> {
  const [rows = 0, columns = 0] = tensor.shape;
  const values = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  const rowBytes = tensor.bytes / rows;
  const decode = decoders[tensor.dtype];
  const floats = new Float32Array(rowsAtOnce * columns);
  const largest = new Float64Array(rowsAtOnce);
  let row = 0;
  for await (const block of blocksOf(tensorChunks(tensor, [], signal), rowsAtOnce * rowBytes)) {
    const count = block.length / rowBytes;
    decode(block, floats);
    for (let i = 0; i < count; i++) {
      largest[i] = largestOf(floats, i * columns, columns);
      if (!Number.isFinite(largest[i]))
        throw new DataError({ file: tensor.file }, `tensor "${tensor.name}": row ${row + i} is not finite`);
      scales[row + i] = largest[i]! / 127;
    }
    // Outputs of one input lie side by side.
    for (let column = 0; column < columns; column++)
      for (let i = 0, at = column * rows + row; i < count; i++)
        values[at + i] = Math.round((127 * floats[i * columns + column]!) / largest[i]!);
    row += count;
  }
  return { values, scales };
}

/**
 * A tensor's values as float32, some megabytes at a time; each piece is valid until the next one is asked for.
 * @param zeros rows that count as zero
 * @throws DataError where the file ends early
 */
export async function* decodeWeights(
  tensor: Tensor,
  zeros: readonly number[] = [],
): AsyncGenerator<Float32Array> {
  const width = tensor.dtype === 'F32' ? 4 : 2;
  const floats = new Float32Array(valuesAtOnce);
  for await (const block of blocksOf(tensorChunks(tensor, zeros), valuesAtOnce * width)) {
    decoders[tensor.dtype](block, floats);
    yield floats.subarray(0, block.length / width);
  }
}

/** 127 for a row of zeros, and of what is next to nothing; NaN where one value is. */
function largestOf(floats: Float32Array, from: number, count: number): number {
  let largest = 0;
  for (let i = from; i < from + count; i++) {
    const size = Math.abs(floats[i]!);
    if (size > largest) largest = size;
    else if (Number.isNaN(size)) return size;
  }
  return largest < smallestNormal ? 127 : largest;
}

/** The same bytes in pieces of equal size, but for the last. A piece is valid until the next one is asked for. */
async function* blocksOf(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  const block = Buffer.alloc(size);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const taken = chunk.copy(block, filled, at, at + size - filled);
      at += taken;
      filled += taken;
      if (filled < size) break;
      yield block;
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** Little-endian bytes, from the start of a buffer of their own, to float32. */
const decoders: Readonly<Record<WeightType, (bytes: Buffer, into: Float32Array) => void>> = {
  F32: ({ buffer, byteOffset, length }, into) => into.set(new Float32Array(buffer, byteOffset, length / 4)),
  BF16: ({ buffer, byteOffset, length }, into) => {
    const stored = new Uint16Array(buffer, byteOffset, length / 2);
    const bits = new Uint32Array(into.buffer, into.byteOffset, stored.length);
    for (let i = 0; i < stored.length; i++) bits[i] = stored[i]! << 16;
  },
  F16: ({ buffer, byteOffset, length }, into) => {
    const stored = new Uint16Array(buffer, byteOffset, length / 2);
    const table = halfFloats();
    for (let i = 0; i < stored.length; i++) into[i] = table[stored[i]!]!;
  },
};

let halves: Float32Array | undefined;

/** The value of each of the 65,536 float16s (IEEE 754 binary16). */
function halfFloats(): Float32Array {
  halves ??= Float32Array.from({ length: 65_536 }, (_, bits) => {
    const sign = bits < 0x8000 ? 1 : -1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
  return halves;
}
