import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { type RecordBatch, RecordBatchFileWriter, RecordBatchReader, Schema } from 'apache-arrow';
import { writable } from '../arrow/ipc.js';
import { DataError, isDiskFull, messageOf } from '../errors.js';

/** An Arrow file (Feather version 2) that is written batch by batch, and takes its name when it is whole and on disk. */
export class BundleFileWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #encoder = RecordBatchFileWriter.throughNode();
  readonly #file: WriteStream;
  readonly #done: Promise<void>;

  constructor(path: string, temporary: string) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = createWriteStream(temporary, { flags: 'wx', flush: true });
    this.#encoder.pipe(this.#file);
    this.#done = finished(this.#file);
    this.#done.catch((cause: unknown) => this.#encoder.destroy(asError(cause)));
    this.#encoder.on('error', () => undefined);
  }

  /** Batches of one schema. Errors: DataError, when the disk is full and the like. */
  async write(batch: RecordBatch): Promise<void> {
    if (this.#encoder.destroyed) await this.#explained(this.#done);
    if (!this.#encoder.write(writable(batch)))
      await this.#explained(Promise.race([once(this.#encoder, 'drain'), this.#done]));
  }

  async finish(): Promise<void> {
    this.#encoder.end();
    await this.#explained(this.#done);
    await rename(this.#temporary, this.#path);
  }

  /** Removes what was written. */
  async abandon(): Promise<void> {
    this.#encoder.destroy();
    this.#file.destroy();
    await this.#done.catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }

  async #explained(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (cause) {
      const what = isDiskFull(cause) ? 'the disk is full' : messageOf(cause);
      throw new DataError({ file: this.#path }, `cannot be written: ${what}`, { cause });
    }
  }
}

/** The batches of such a file. Errors: DataError when it is damaged. */
export async function* readBundleFile(path: string): AsyncGenerator<RecordBatch, undefined> {
  yield* withReader(path, (reader) => reader);
  return undefined;
}

/** The columns of such a file. Errors: DataError when it is damaged. */
export async function bundleFileSchema(path: string): Promise<Schema> {
  async function* schema(reader: { readonly schema: Schema }) {
    yield reader.schema;
  }
  const { value } = await withReader(path, schema).next();
  return value ?? new Schema([]);
}

async function* withReader<T>(
  path: string,
  read: (reader: RecordBatchReader & AsyncIterable<RecordBatch>) => AsyncIterable<T>,
): AsyncGenerator<T, undefined> {
  const handle = await open(path);
  try {
    const reader = await RecordBatchReader.from(handle);
    await reader.open();
    if (!reader.isFile()) throw new Error('it is no Arrow file');
    yield* read(reader);
    return undefined;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const message = `is damaged (${messageOf(cause)}): delete it, and it is made again`;
    throw new DataError({ file: path }, message, { cause });
  } finally {
    await handle.close().catch(() => undefined);
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause), { cause });
}
