import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { DataError } from '../../pipeline/errors.js';
import { startsAsZstd, unpackZstd } from './zstd.js';

/** How a file is compressed. */
type Packing = 'none' | 'gzip' | 'zstd';

/** What no line of JSON begins with, and what to do about it. */
const others: readonly (readonly [head: string, message: string])[] = [
  [
    'BZh',
    'is compressed with bzip2, which is not read: unpack it (bzip2 -d), or compress it with gzip or zstd',
  ],
  [
    '\xfd7zXZ\x00',
    'is compressed with xz, which is not read: unpack it (xz -d), or compress it with gzip or zstd',
  ],
  [
    '\x04\x22\x4d\x18',
    'is compressed with LZ4, which is not read: unpack it (lz4 -d), or compress it with gzip or zstd',
  ],
  [
    '\xff\x06\x00\x00sNaPpY',
    'is compressed with Snappy, which is not read: unpack it, or compress it with gzip or zstd',
  ],
  ['PK\x03\x04', 'is a zip archive: unpack it, and give the files in it'],
  ['PAR1', 'is a Parquet file: use read.parquet'],
  ['ARROW1', 'is an Arrow IPC (Feather) file: write its rows as Parquet, and use read.parquet'],
  ['ORC', 'is an ORC file: write its rows as Parquet, and use read.parquet'],
  ['Obj\x01', 'is an Avro file: write its rows as Parquet, and use read.parquet'],
  ['version https://git-lfs', 'is a Git LFS pointer, not the file itself: git lfs pull fetches it'],
  ['\xff\xfe', 'is UTF-16 text: convert it (iconv -f UTF-16 -t UTF-8)'],
  ['\xfe\xff', 'is UTF-16 text: convert it (iconv -f UTF-16 -t UTF-8)'],
];

/** Endings of names that say the same where a file is too short to show it. */
const packings: readonly (readonly [ending: string, packing: Packing])[] = [
  ['.gz', 'gzip'],
  ['.zst', 'zstd'],
];

/**
 * The bytes of a file, unpacked. What it is compressed with is seen by its first bytes, or else by its name.
 * Errors: DataError for what is no text and cannot be unpacked; those of the file system and of zlib.
 */
export async function* unpackedBytes(file: string): AsyncGenerator<Buffer> {
  const packing = await packingOf(file);
  const raw = createReadStream(file, { highWaterMark: packing === 'none' ? 1 << 18 : 1 << 16 });
  try {
    if (packing === 'gzip') yield* unpackGzip(raw);
    else yield* packing === 'zstd' ? unpackZstd(raw, file) : raw;
  } finally {
    raw.destroy();
  }
}

async function packingOf(file: string): Promise<Packing> {
  const head = await firstBytes(file);
  const text = head.toString('latin1');
  if (text.startsWith('\x1f\x8b')) return 'gzip';
  if (startsAsZstd(head)) return 'zstd';
  const other = others.find(([start]) => text.startsWith(start));
  if (other) throw new DataError({ file }, other[1]);
  return packings.find(([ending]) => file.endsWith(ending))?.[1] ?? 'none';
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(32), 0, 32, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * What gzipped data hold. Where they are damaged, all that comes before is given first, the same each time: a stream
 * would drop what nobody has taken yet.
 */
async function* unpackGzip(raw: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  let ready: Buffer[] = [];
  let failure: unknown;
  const closed = new Promise<void>((resolve) => gunzip.once('close', resolve));
  gunzip.on('data', (part: Buffer) => ready.push(part));
  gunzip.on('error', (error) => {
    failure = error;
  });
  const take = () => {
    const parts = ready;
    ready = [];
    return parts;
  };
  try {
    for await (const chunk of raw) {
      await Promise.race([closed, new Promise<void>((resolve) => gunzip.write(chunk, () => resolve()))]);
      yield* take();
      if (failure) throw failure;
    }
    gunzip.end();
    await closed;
    yield* take();
    if (failure) throw failure;
  } finally {
    gunzip.destroy();
  }
}
