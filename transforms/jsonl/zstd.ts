import { Decompress } from 'fzstd';
import xxhash from 'xxhash-wasm';
import { DataError, messageOf } from '../../pipeline/errors.js';

/** Zstandard's own limit for who does not ask for more memory: `zstd --long=27`. */
const largestWindow = 2 ** 27;

const magic = 0xfd2fb528;
const isSkippable = (number: number): boolean => (number & 0xfffffff0) >>> 0 === 0x184d2a50;

/** Whether a file's first bytes are those of Zstandard data. */
export function startsAsZstd(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const first = Buffer.from(head).readUInt32LE(0);
  return first === magic || isSkippable(first);
}

/**
 * What Zstandard data hold (RFC 8878), block by block: all frames, without those that can be skipped, with their sizes and
 * checksums verified. The library unpacks a frame; it knows neither checksums nor how large a window may be.
 * Errors: DataError for damaged data, a window beyond 128 MB, a dictionary.
 */
export async function* unpackZstd(raw: AsyncIterable<Buffer>, file: string): AsyncGenerator<Buffer> {
  const input = new ByteQueue(raw);
  // Nothing, compressed, is a frame without content.
  if (!(await input.has(1))) throw cutOff(file);
  const { create64 } = await xxhash();
  while (await input.has(1)) {
    if (!(await input.has(4))) throw cutOff(file);
    const first = input.peek(4).readUInt32LE(0);
    if (isSkippable(first)) await skipFrame(input, file);
    else if (first === magic) yield* unpackFrame(input, file, create64());
    else throw damaged(file, 'what follows its frames is none');
  }
}

/** Bytes as they are wanted, whatever the chunks they come in. */
class ByteQueue {
  readonly #chunks: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async has(count: number): Promise<boolean> {
    while (this.#bytes.length < count) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#bytes = this.#bytes.length === 0 ? next.value : Buffer.concat([this.#bytes, next.value]);
    }
    return true;
  }

  peek(count: number): Buffer {
    return this.#bytes.subarray(0, count);
  }

  take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }
}

async function skipFrame(input: ByteQueue, file: string): Promise<void> {
  if (!(await input.has(8))) throw cutOff(file);
  let left = input.take(8).readUInt32LE(4);
  while (left > 0) {
    if (!(await input.has(1))) throw cutOff(file);
    left -= input.take(left).length;
  }
}

interface FrameHeader {
  readonly bytes: number;
  readonly window: number;
  readonly content: number | undefined;
  readonly hasChecksum: boolean;
}

async function readHeader(input: ByteQueue, file: string): Promise<FrameHeader> {
  if (!(await input.has(5))) throw cutOff(file);
  const descriptor = input.peek(5)[4]!;
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const contentBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryAt = isSingle ? 5 : 6;
  const bytes = dictionaryAt + dictionaryBytes + contentBytes;
  if (!(await input.has(bytes))) throw cutOff(file);
  const header = input.peek(bytes);
  if (header.subarray(dictionaryAt, dictionaryAt + dictionaryBytes).some((byte) => byte !== 0))
    throw new DataError(
      { file },
      'is compressed with a Zstandard dictionary, which cannot be read: unpack it with zstd -d -D',
    );
  const content = contentSize(header.subarray(dictionaryAt + dictionaryBytes));
  const base = 2 ** (10 + (header[5]! >> 3));
  const window = isSingle ? content! : base + (base / 8) * (header[5]! & 7);
  return { bytes, window, content, hasChecksum: (descriptor & 4) !== 0 };
}

function contentSize(bytes: Buffer): number | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.length === 8) return Number(bytes.readBigUInt64LE());
  return bytes.readUIntLE(0, bytes.length) + (bytes.length === 2 ? 256 : 0);
}

async function* unpackFrame(
  input: ByteQueue,
  file: string,
  hash: { update(bytes: Uint8Array): unknown; digest(): bigint },
): AsyncGenerator<Buffer> {
  const header = await readHeader(input, file);
  // A frame in one segment has its content for a window, and is unpacked in pieces all the same.
  if (header.window > largestWindow) throw tooLong(file, header.window);
  let unpacked: Buffer[] = [];
  let size = 0;
  const frame = new Decompress((part) => {
    size += part.length;
    hash.update(part);
    // The library uses its memory again.
    unpacked.push(Buffer.from(part));
  });
  const push = (bytes: Buffer, last: boolean) => {
    try {
      frame.push(bytes, last);
    } catch (error) {
      throw damaged(file, messageOf(error));
    }
    const parts = unpacked;
    unpacked = [];
    return parts;
  };
  push(input.take(header.bytes), false);
  for (let last = false; !last; ) {
    if (!(await input.has(3))) throw cutOff(file);
    const block = input.peek(3).readUIntLE(0, 3);
    last = (block & 1) === 1;
    // A block of one byte, repeated, is stored as that byte.
    const bytes = 3 + (((block >> 1) & 3) === 1 ? 1 : block >> 3);
    if (!(await input.has(bytes))) throw cutOff(file);
    yield* push(input.take(bytes), last && !header.hasChecksum);
  }
  if (header.hasChecksum) {
    if (!(await input.has(4))) throw cutOff(file);
    const checksum = input.take(4);
    yield* push(checksum, true);
    if (checksum.readUInt32LE() !== Number(hash.digest() & 0xffffffffn))
      throw damaged(file, 'a checksum differs');
  }
  if (header.content !== undefined && header.content !== size)
    throw damaged(file, `a frame says ${header.content} bytes and holds ${size}`);
}

function cutOff(file: string): DataError {
  return new DataError({ file }, 'ends in the middle of its compressed data: it is truncated');
}

function damaged(file: string, reason: string): DataError {
  return new DataError({ file }, `is not valid Zstandard data: ${reason}`);
}

function tooLong(file: string, window: number): DataError {
  return new DataError(
    { file },
    `is compressed with a window of ${Math.ceil(window / 2 ** 20)} MB (zstd --long or --ultra), above 128 MB: unpack it with zstd -d --long=31, or compress it again without --long`,
  );
}
