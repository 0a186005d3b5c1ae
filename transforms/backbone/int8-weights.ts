import { createWriteStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { DataError } from '../../pipeline/errors.js';
import { quantizeRows } from './quantize.js';
import { readSafetensorsHeader, type StoredTensor } from './safetensors.js';
import type { Architecture, Checkpoint } from './types.js';
import { linearWeights } from './weights.js';

/** Of the file's format and of the rules of quantizing: another one gives other features. */
export const int8Version = 'int8-1';

/** How integers from −127 to 127 are stored: as they are, or with 128 added. It changes no result. */
export type Int8Type = 'int8' | 'uint8';

const dtypes = { int8: 'I8', uint8: 'U8' } as const;

/** Bytes of a file. */
interface Stored {
  readonly offset: number;
  readonly bytes: number;
}

/** A linear layer's weights: `W[output][input] ≈ values[input][output] · scales[output]`. */
export interface Int8Weight {
  readonly inputs: number;
  readonly outputs: number;
  /** [inputs, outputs] */
  readonly values: Stored;
  /** float32 [outputs] */
  readonly scales: Stored;
}

/** Weights of all linear layers in one file. */
export interface Int8Weights {
  /** With symbolic links resolved. */
  readonly realFile: string;
  readonly type: Int8Type;
  /** By the weight's name in the checkpoint. */
  readonly weights: ReadonlyMap<string, Int8Weight>;
}

/**
 * Writes the weights of all linear layers as int8 into a new .safetensors file, one layer after the other: `NAME.scales`
 * F32 [outputs] and `NAME.int8` I8 or U8 [inputs, outputs] for each. Memory holds one matrix, a byte a weight.
 * @throws DataError for what cannot be read, and for weights that are not finite
 */
export async function writeInt8Weights(
  checkpoint: Checkpoint,
  file: string,
  type: Int8Type,
  signal?: AbortSignal,
): Promise<void> {
  const into = createWriteStream(file, { flags: 'wx', flush: true });
  await pipeline(() => int8Parts(checkpoint, type, signal), into);
}

async function* int8Parts(
  checkpoint: Checkpoint,
  type: Int8Type,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  yield header(checkpoint.architecture, type);
  for (const { name } of linearWeights(checkpoint.architecture)) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor === undefined) throw missing(checkpoint.dir, name);
    const { scales, values } = await quantizeRows(tensor, signal);
    const bytes = new Uint8Array(values.buffer);
    // 128 more: the highest bit of the two's complement is another.
    if (type === 'uint8') for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i]! ^ 0x80;
    yield new Uint8Array(scales.buffer);
    yield bytes;
  }
}

/**
 * Finds the weights in a file that `writeInt8Weights` has made of a model of this architecture.
 * @throws DataError where it is no such file
 */
export async function readInt8Weights(file: string, architecture: Architecture): Promise<Int8Weights> {
  const { tensors: found } = await readSafetensorsHeader(file);
  const type = [...found.values()].some(({ dtype }) => dtype === 'U8') ? 'uint8' : 'int8';
  const weights = linearWeights(architecture).map(({ name, shape }): [string, Int8Weight] => {
    const [outputs = 0, inputs = 0] = shape;
    const values = required(found, `${name}.int8`, dtypes[type], [inputs, outputs], file);
    const scales = required(found, `${name}.scales`, 'F32', [outputs], file);
    return [name, { inputs, outputs, values: placeOf(values), scales: placeOf(scales) }];
  });
  return { realFile: await realpath(file), type, weights: new Map(weights) };
}

/** @throws DataError where a file lacks a weight, which `readInt8Weights` has made sure of */
export function requireInt8({ realFile, weights }: Int8Weights, name: string): Int8Weight {
  const found = weights.get(name);
  if (found === undefined) throw missing(realFile, name);
  return found;
}

/** Length in 8 bytes, JSON, padded so that the tensors start at a multiple of 8. */
function header(architecture: Architecture, type: Int8Type): Buffer {
  const entries: [string, object][] = [];
  let end = 0;
  const add = (name: string, dtype: string, shape: readonly number[], width: number) => {
    const start = end;
    end += shape.reduce((product, extent) => product * extent, width);
    entries.push([name, { dtype, shape, data_offsets: [start, end] }]);
  };
  for (const { name, shape } of linearWeights(architecture)) {
    const [outputs = 0, inputs = 0] = shape;
    add(`${name}.scales`, 'F32', [outputs], 4);
    add(`${name}.int8`, dtypes[type], [inputs, outputs], 1);
  }
  const json = JSON.stringify({ __metadata__: { format: int8Version }, ...Object.fromEntries(entries) });
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}

function required(
  found: ReadonlyMap<string, StoredTensor>,
  name: string,
  dtype: string,
  shape: readonly number[],
  file: string,
): StoredTensor {
  const tensor = found.get(name);
  if (tensor?.dtype === dtype && tensor.shape.join() === shape.join()) return tensor;
  const other = tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}]` : 'nothing';
  throw new DataError({ file }, `tensor "${name}": expected ${dtype} [${shape.join(', ')}], found ${other}`);
}

function placeOf({ offset, bytes }: StoredTensor): Stored {
  return { offset, bytes };
}

function missing(file: string, name: string): DataError {
  return new DataError({ file }, `tensor "${name}" is missing`);
}
