import type { Reject } from '../../pipeline/component.js';
import { DataError, isBadData, messageOf } from '../../pipeline/errors.js';
import { unpackedBytes } from './unpack.js';

/** A line of text as bytes, without its end. Numbers count from 1. */
export interface Line {
  readonly bytes: Buffer;
  readonly number: number;
}

/** No document is longer than this; what is, is not JSON lines. */
const maxLineBytes = 512 * 2 ** 20;

/**
 * The lines of a file that are not blank, in bounded memory; files compressed with gzip or Zstandard are unpacked,
 * whatever their name. Throws a `DataError` that names the file where it cannot be read, is something else, or its
 * compressed data are damaged or cut off.
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  try {
    yield* splitLines(unpackedBytes(file), file);
  } catch (error) {
    throw error instanceof DataError ? error : explain(file, error);
  }
}

/** As `readLines`; the rest of a file whose compressed data are damaged, or that has an endless line, is rejected. */
export async function* linesOf(file: string, reject: Reject): AsyncGenerator<Line> {
  try {
    yield* readLines(file);
  } catch (error) {
    if (!isBadData(error)) throw error;
    reject(error.place, error.reason, { rows: undefined, cause: error });
  }
}

async function* splitLines(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<Line> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let number = 1;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = lineOf([...pending, chunk.subarray(start, end)], number++);
      if (line) yield line;
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > maxLineBytes)
      throw new DataError(
        { file, line: number },
        `is longer than ${maxLineBytes / 2 ** 20} MB; expected one JSON object a line`,
      );
  }
  const last = lineOf(pending, number);
  if (last) yield last;
}

function lineOf(parts: readonly Buffer[], number: number): Line | undefined {
  const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  const hasMark =
    number === 1 && whole.length >= 3 && whole[0] === 0xef && whole[1] === 0xbb && whole[2] === 0xbf;
  const bytes = hasMark ? whole.subarray(3) : whole;
  return isBlank(bytes) ? undefined : { bytes, number };
}

function isBlank(bytes: Buffer): boolean {
  return bytes.length < 64 && bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}

function explain(file: string, error: unknown): DataError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const messages: Record<string, string> = {
    ENOENT: 'does not exist',
    EACCES: 'may not be read by this user (permission denied)',
    EISDIR: 'is a folder; expected a file of JSON lines',
    Z_BUF_ERROR: 'ends in the middle of its compressed data: it is truncated',
    Z_DATA_ERROR: 'is not valid gzip data',
  };
  return new DataError({ file }, messages[code] ?? `cannot be read: ${messageOf(error)}`, { cause: error });
}
