import type { FileHandle } from 'node:fs/promises';
import { DataError } from '../errors.js';
import { readExactly } from './file-blob.js';

/** Magic, a footer's length, magic again: the shortest that could be a Parquet file. */
const SHORTEST = 12;

const SIGNATURES: readonly (readonly [bytes: string, what: string])[] = [
  ['\x1f\x8b', 'a gzip archive (use read.jsonl for JSON Lines)'],
  ['\x28\xb5\x2f\xfd', 'a zstd archive (use read.jsonl for JSON Lines)'],
  ['BZh', 'a bzip2 archive'],
  ['PK\x03\x04', 'a zip archive'],
  ['ARROW1', 'an Arrow IPC (Feather) file'],
  ['\xff\xff\xff\xff', 'an Arrow IPC stream'],
  ['ORC', 'an ORC file'],
  ['Obj\x01', 'an Avro file'],
  ['SQLite format 3', 'an SQLite database'],
  ['version https://git-lfs', 'a Git LFS pointer, not the file itself (git lfs pull fetches it)'],
  ['<', 'an HTML or XML page'],
];

/**
 * Checks both ends of a file before a decoder sees it: its size, its magic bytes, the footer's length, which it returns.
 * Errors: DataError naming the file and what it seems to be instead.
 */
export async function checkParquetEnds(handle: FileHandle, path: string, size: number): Promise<number> {
  const fail = (message: string): never => {
    throw new DataError({ file: path }, message);
  };
  if (size === 0) fail('is empty (0 bytes); expected a Parquet file');
  const head = await readExactly(handle, 0, Math.min(size, 64));
  const startsRight = latin(head).startsWith('PAR1');
  if (latin(head).startsWith('PARE'))
    fail('is an encrypted Parquet file; encryption is not supported: decrypt it first');
  if (!startsRight) fail(`is not a Parquet file: it seems to be ${seemsToBe(head)}`);
  if (size < SHORTEST) fail(`is too short for a Parquet file (${size} bytes): it was cut off`);
  const tail = await readExactly(handle, size - 8, 8);
  if (latin(tail.subarray(4)) === 'PARE')
    fail('is a Parquet file with an encrypted footer; decrypt it first');
  if (latin(tail.subarray(4)) !== 'PAR1') {
    fail(
      `starts as a Parquet file but does not end as one: it was cut off (at ${size} bytes), or is still being written`,
    );
  }
  const footer = new DataView(tail.buffer).getUint32(0, true);
  if (footer > size - SHORTEST) {
    fail(`has a corrupt footer: it claims ${footer} bytes in a file of ${size}`);
  }
  return footer;
}

function seemsToBe(head: Uint8Array): string {
  const text = latin(head);
  const known = SIGNATURES.find(([signature]) => text.startsWith(signature));
  if (known) return known[1];
  if (head.every((byte) => byte === 0))
    return 'a file of zero bytes (a download or copy that did not finish?)';
  if (/^(?:\xef\xbb\xbf)?\s*[[{]/.test(text)) return 'JSON or JSON Lines; use read.jsonl';
  if (head.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13)) return 'a text file';
  return `of another format (it starts with the bytes ${Buffer.from(head.subarray(0, 4)).toString('hex')})`;
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
