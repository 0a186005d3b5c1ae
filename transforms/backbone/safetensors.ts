import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { DataError } from '../../pipeline/errors.js';
import { lfsPointer, longestPointer } from '../model-files/lfs-pointer.js';
import { isObject } from './config-values.js';

/** An entry of a .safetensors header. */
export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte, counted from the file's start. */
  readonly offset: number;
  /** Length in bytes. */
  readonly bytes: number;
}

export interface SafetensorsHeader {
  readonly tensors: Map<string, StoredTensor>;
  /** `__metadata__`: texts by name. */
  readonly metadata: Map<string, string>;
}

/** The format's own limit. */
const longestHeader = 100_000_000;

/** Others may be there, but not be used: the format gets new ones, of less than a byte too. */
const bytesPerElement: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
};

/**
 * Reads and checks the header of a .safetensors file: 8 bytes of length, JSON, then the tensors without gaps.
 * @throws DataError naming the file, and the tensor where one is wrong
 */
export async function readSafetensorsHeader(file: string): Promise<SafetensorsHeader> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (cause) {
    throw new DataError({ file }, 'cannot be opened; a file of weights (.safetensors) must be here', {
      cause,
    });
  }
  try {
    const { size } = await handle.stat();
    const headerBytes = await readHeaderLength(handle, file, size);
    const text = await readExactly(handle, file, 8, headerBytes);
    const header = parseHeader(text.toString('utf8'), file, 8 + headerBytes);
    checkLayout(header.tensors, file, 8 + headerBytes, size);
    return header;
  } finally {
    await handle.close();
  }
}

async function readHeaderLength(handle: FileHandle, file: string, size: number): Promise<number> {
  if (size < 8) throw notSafetensors(file, `it has ${size} bytes, expected at least 8`);
  const start = await readExactly(handle, file, 0, Math.min(size, longestPointer));
  const pointer = lfsPointer(start.toString('latin1'));
  if (pointer !== undefined) throw new DataError({ file }, pointer);
  const prefix = start.subarray(0, 8);
  const length = prefix.readBigUInt64LE(0);
  if (length < 2n || length > BigInt(longestHeader)) {
    throw notSafetensors(file, `its first 8 bytes give a header of ${length} bytes`);
  }
  if (8n + length > BigInt(size)) {
    const expected = 8n + length;
    throw new DataError(
      { file },
      `truncated: the header alone ends at byte ${expected}, but the file has ${size} bytes; download it again`,
    );
  }
  return Number(length);
}

async function readExactly(handle: FileHandle, file: string, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, at);
  if (bytesRead === length) return bytes;
  throw new DataError({ file }, `ended at byte ${at + bytesRead} while ${length} bytes were read from ${at}`);
}

function parseHeader(text: string, file: string, dataStart: number): SafetensorsHeader {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw notSafetensors(file, 'its header is not valid JSON', { cause });
  }
  if (!isObject(header)) throw notSafetensors(file, 'its header is not a JSON object');
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  const tensors = new Map(entries.map(([name, entry]) => [name, parseEntry(name, entry, file, dataStart)]));
  const metadata = isObject(header['__metadata__']) ? Object.entries(header['__metadata__']) : [];
  const texts = metadata.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { tensors, metadata: new Map(texts) };
}

function parseEntry(name: string, entry: unknown, file: string, dataStart: number): StoredTensor {
  const wrong = (message: string) => new DataError({ file }, `tensor "${name}": ${message}`);
  if (!isObject(entry)) throw wrong('its header entry is not an object');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string') throw wrong(`expected a dtype, found ${JSON.stringify(dtype)}`);
  if (!isIndexList(shape)) throw wrong(`expected a shape, found ${JSON.stringify(shape)}`);
  const [begin, end] = isIndexList(offsets) ? offsets : [];
  if (begin === undefined || end === undefined || begin > end) {
    throw wrong(`expected data_offsets [begin, end], found ${JSON.stringify(offsets)}`);
  }
  const elementBytes = bytesPerElement[dtype];
  if (elementBytes === undefined) return { dtype, shape, offset: dataStart + begin, bytes: end - begin };
  const expected = shape.reduce((product, extent) => product * extent, elementBytes);
  if (end - begin !== expected) {
    throw wrong(
      `${dtype} [${shape.join(', ')}] takes ${expected} bytes, but its data_offsets span ${end - begin}`,
    );
  }
  return { dtype, shape, offset: dataStart + begin, bytes: expected };
}

function checkLayout(
  tensors: ReadonlyMap<string, StoredTensor>,
  file: string,
  dataStart: number,
  size: number,
): void {
  let end = dataStart;
  for (const [name, tensor] of [...tensors].sort(
    ([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes,
  )) {
    if (tensor.offset !== end) {
      const problem = tensor.offset < end ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw new DataError(
        { file },
        `tensor "${name}" ${problem}: expected at byte ${end}, found at ${tensor.offset}`,
      );
    }
    end += tensor.bytes;
  }
  if (end === size) return;
  const problem = end > size ? 'truncated' : 'too long';
  throw new DataError(
    { file },
    `${problem}: its header describes ${end} bytes, but the file has ${size}; download it again`,
  );
}

function isIndexList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function notSafetensors(file: string, reason: string, options?: ErrorOptions): DataError {
  return new DataError({ file }, `not a .safetensors file: ${reason}`, options);
}
