import { once } from 'node:events';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type RecordBatch, RecordBatchFileWriter, RecordBatchReader, Schema } from 'apache-arrow';
import { writable } from '../arrow/ipc.js';
import { replaceDurably } from '../durable.js';
import { DataError, isDiskFull, messageOf } from '../errors.js';
import { fileChunks } from '../file-chunks.js';
import { besides } from '../leftovers.js';

import { type Piece, pieceName, remarksPath } from './pieces.js';

/** An Arrow file (Feather version 2) that is written batch by batch, and takes its name when it is whole and on disk. */
export class PieceWriter {
  readonly #folder: string;
  readonly #temporary: string;
  readonly #encoder = RecordBatchFileWriter.throughNode();
  readonly #done: Promise<void>;
  #crc = 0;
  #bytes = 0;

  private constructor(folder: string, temporary: string, file: FileHandle) {
    this.#folder = folder;
    this.#temporary = temporary;
    this.#done = this.#copy(file);
    this.#done.catch((cause: unknown) => this.#encoder.destroy(asError(cause)));
    this.#encoder.on('error', () => undefined);
  }

  static async open(folder: string): Promise<PieceWriter> {
    const temporary = besides(join(folder, 'piece'), 'tmp');
    return new PieceWriter(folder, temporary, await explained(folder, open(temporary, 'wx')));
  }

  /** Written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Batches of one schema. Errors: DataError, when the disk is full and the like. */
  async write(batch: RecordBatch): Promise<void> {
    if (this.#encoder.destroyed) await explained(this.#folder, this.#done);
    if (!this.#encoder.write(writable(batch)))
      await explained(this.#folder, Promise.race([once(this.#encoder, 'drain'), this.#done]));
  }

  /** Makes it a piece. `remarks` are there before it is, where there are any. */
  async finish(rows: Omit<Piece, 'name' | 'crc'>, remarks: readonly unknown[]): Promise<Piece> {
    this.#encoder.end();
    await explained(this.#folder, this.#done);
    const beside = remarks.length > 0 ? JSON.stringify(remarks) : '';
    const crc = hex(crc32(beside, this.#crc));
    const piece = { ...rows, crc, name: pieceName({ ...rows, crc }) };
    const path = join(this.#folder, piece.name);
    if (beside !== '') await explained(this.#folder, replaceDurably(remarksPath(path), beside));
    await explained(this.#folder, rename(this.#temporary, path));
    return piece;
  }

  /** Removes what was written. */
  async abandon(): Promise<void> {
    this.#encoder.destroy();
    await this.#done.catch(() => undefined);
    // What stays is removed when the folder is opened again.
    await rm(this.#temporary, { force: true }).catch(() => undefined);
  }

  async #copy(file: FileHandle): Promise<void> {
    try {
      for await (const chunk of this.#encoder as AsyncIterable<Uint8Array>) {
        this.#crc = crc32(chunk, this.#crc);
        this.#bytes += chunk.length;
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Whether a piece is there and every byte of it is as it was written. Errors: the signal's reason. */
export async function isIntact(folder: string, { name, crc }: Piece, signal: AbortSignal): Promise<boolean> {
  const path = join(folder, name);
  try {
    let found = 0;
    for await (const chunk of fileChunks(path, signal)) found = crc32(chunk, found);
    return hex(crc32(await besideOf(path), found)) === crc;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** What was to be remembered with a piece. */
export async function readRemarks(folder: string, { name }: Piece): Promise<readonly unknown[]> {
  const beside = await besideOf(join(folder, name));
  const remarks: unknown = beside.length > 0 ? JSON.parse(beside.toString()) : [];
  return Array.isArray(remarks) ? remarks : [];
}

async function besideOf(path: string): Promise<Buffer> {
  return await readFile(remarksPath(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw unreadable(path, error);
  });
}

function unreadable(path: string, cause: unknown): DataError {
  return new DataError({ file: path }, `cannot be read: ${messageOf(cause)}`, { cause });
}

/** The batches of such a file. Errors: DataError when it is damaged. */
export async function* readPiece(path: string): AsyncGenerator<RecordBatch, undefined> {
  yield* withReader(path, (reader) => reader);
  return undefined;
}

/** The columns of such a file. Errors: DataError when it is damaged. */
export async function pieceSchema(path: string): Promise<Schema> {
  async function* schemaOf(reader: { readonly schema: Schema }) {
    yield reader.schema;
  }
  // A loop: leaving it closes the file, which asking for one value alone would not.
  for await (const schema of withReader(path, schemaOf)) return schema;
  return new Schema([]);
}

/** What to do about a piece that its stages cannot make again here. */
export function damaged(path: string, cause?: unknown): DataError {
  const why = cause === undefined ? '' : ` (${messageOf(cause)})`;
  return new DataError(
    { file: path },
    `is damaged${why}: delete it, and run the pipeline that keeps it again`,
    { cause },
  );
}

async function* withReader<T>(
  path: string,
  read: (reader: RecordBatchReader & AsyncIterable<RecordBatch>) => AsyncIterable<T>,
): AsyncGenerator<T, undefined> {
  const handle = await open(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const reader = await RecordBatchReader.from(handle);
    await reader.open();
    if (!reader.isFile()) throw new Error('it is no Arrow file');
    yield* read(reader);
    return undefined;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw damaged(path, cause);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

async function explained<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const what = isDiskFull(cause) ? 'the disk is full' : messageOf(cause);
    throw new DataError({ file: folder }, `cannot be written to: ${what}`, { cause });
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause), { cause });
}
