import { type FileHandle, open } from 'node:fs/promises';
import { ReadableStream } from 'node:stream/web';
import {
  Data,
  RecordBatch,
  RecordBatchStreamWriter,
  type Schema,
  Struct,
  vectorFromArray,
} from 'apache-arrow';
import type { RecordBatch as WasmBatch, WriterProperties } from 'parquet-wasm';
import { DataError, isDiskFull, messageOf, NagError } from '../errors.js';
import type { BatchCursor } from './batch-cursor.js';
import { schemaDifference } from './parquet-types.js';
import type { ParquetWriterOptions } from './parquet-writer.js';
import { acquireParquetWasm, type ParquetWasm, releaseParquetWasm, WasmPanic } from './wasm.js';

export interface PartOptions extends ParquetWriterOptions {
  readonly maxFileBytes: number;
  /** The path that errors speak of. */
  readonly target: string;
}

/** A row group is closed at this many encoded bytes, whatever its rows: about three are in memory at a time. */
const ROW_GROUP_BYTES = 64 * 2 ** 20;
/** The encoder takes this many row groups before their bytes come out, at most. */
const GROUPS_IN_FLIGHT = 4;

/**
 * Writes batches from the cursor to a new file until they end or the file is full, and forces it to disk. At least
 * one batch is written, an empty one if there is none. Errors: those of the cursor's source; DataError.
 */
export async function writePart(
  path: string,
  schema: Schema,
  cursor: BatchCursor,
  options: PartOptions,
): Promise<{ rows: number; bytes: number }> {
  const handle = await open(path, 'wx').catch((cause) => {
    throw new DataError({ file: options.target }, `cannot be written: ${messageOf(cause)}`, { cause });
  });
  const wasm = acquireParquetWasm();
  const part = new PartInput(wasm, schema, cursor, options);
  try {
    const stream = new ReadableStream<WasmBatch>(
      { pull: (controller) => part.pull(controller) },
      { highWaterMark: 0 },
    );
    const output: ReadableStream<Uint8Array> = await wasm.run(() =>
      wasm.library.transformParquetStream(stream, writerProperties(wasm, options)),
    );
    await copyOut(wasm, output, handle, part);
    if (part.failure) throw part.failure.cause;
    await handle.sync();
    // Only an instance that did its work to the end is known to hold nothing any more.
    releaseParquetWasm(wasm);
    return { rows: part.rows, bytes: part.written };
  } catch (thrown) {
    throw explain(part.failure ? part.failure.cause : thrown, options.target, part.written);
  } finally {
    await handle.close();
  }
}

/** Feeds the encoder, counts, and keeps the source's error, which the encoder would swallow. */
class PartInput {
  failure: { readonly cause: unknown } | undefined;
  rows = 0;
  written = 0;
  #batches = 0;
  #fed = 0;
  readonly #wasm: ParquetWasm;
  readonly #schema: Schema;
  readonly #cursor: BatchCursor;
  readonly #options: PartOptions;

  constructor(wasm: ParquetWasm, schema: Schema, cursor: BatchCursor, options: PartOptions) {
    this.#wasm = wasm;
    this.#schema = schema;
    this.#cursor = cursor;
    this.#options = options;
  }

  async pull(controller: ReadableStreamDefaultController<WasmBatch>): Promise<void> {
    try {
      const batch =
        (await this.#cursor.peek()) ?? (this.#batches === 0 ? emptyBatch(this.#schema) : undefined);
      if (!batch) return controller.close();
      const encoded = encode(batch, this.#schema, this.#options.target);
      if (this.#batches > 0 && this.#outgrows(encoded.length)) return controller.close();
      this.#cursor.take();
      this.#batches++;
      this.#fed += encoded.length;
      this.rows += batch.numRows;
      controller.enqueue(await this.#wasm.run(() => toWasm(this.#wasm, encoded)));
    } catch (cause) {
      this.failure = { cause };
      controller.error(cause);
    }
  }

  /** Bytes still inside the encoder are at most what it was fed, and at most a few row groups. */
  #outgrows(next: number): boolean {
    const groupBytes = Math.min(ROW_GROUP_BYTES, (this.#fed / this.rows) * this.#options.rowGroupRows);
    const inside = Math.min(this.#fed, GROUPS_IN_FLIGHT * groupBytes);
    return this.written + inside + next > this.#options.maxFileBytes;
  }
}

async function copyOut(
  wasm: ParquetWasm,
  output: ReadableStream<Uint8Array>,
  handle: FileHandle,
  part: PartInput,
): Promise<void> {
  const reader = output.getReader();
  for (;;) {
    const { done, value } = await wasm.run(() => reader.read());
    if (done) return;
    for (let at = 0; at < value.length; ) at += (await handle.write(value, at)).bytesWritten;
    part.written += value.length;
  }
}

function encode(batch: RecordBatch, schema: Schema, target: string): Uint8Array {
  const difference = schemaDifference(schema, batch.schema);
  if (difference) throw new NagError(`${target}: a batch has another schema than the first: ${difference}`);
  const nulls = schema.fields.findIndex(
    (field, at) => !field.nullable && (batch.data.children[at]?.nullCount ?? 0) > 0,
  );
  if (nulls >= 0) {
    throw new DataError(
      { file: target, column: schema.fields[nulls]?.name },
      'is declared without nulls, but has some',
    );
  }
  return RecordBatchStreamWriter.writeAll([new RecordBatch(schema, batch.data)]).toUint8Array(true);
}

function toWasm(wasm: ParquetWasm, encoded: Uint8Array): WasmBatch {
  const table = wasm.library.Table.fromIPCStream(encoded);
  const batch = table.recordBatch(0);
  wasm.free(table);
  if (!batch) throw new Error('the encoder found no batch in what it was given');
  return batch;
}

function emptyBatch(schema: Schema): RecordBatch {
  const children = schema.fields.map(
    ({ type }): Data => vectorFromArray([], type).data[0] ?? new Data(type, 0, 0),
  );
  return new RecordBatch(schema, new Data(new Struct(schema.fields), 0, 0, 0, {}, children));
}

function writerProperties({ library }: ParquetWasm, options: PartOptions): WriterProperties {
  const { Compression } = library;
  const codecs = {
    zstd: Compression.ZSTD,
    snappy: Compression.SNAPPY,
    gzip: Compression.GZIP,
    lz4: Compression.LZ4_RAW,
    brotli: Compression.BROTLI,
    none: Compression.UNCOMPRESSED,
  };
  return new library.WriterPropertiesBuilder()
    .setCompression(codecs[options.compression])
    .setMaxRowGroupSize(options.rowGroupRows)
    .setMaxRowGroupBytes(ROW_GROUP_BYTES)
    .setKeyValueMetadata(new Map(Object.entries(options.metadata)))
    .build();
}

function explain(thrown: unknown, target: string, written: number): unknown {
  if (isDiskFull(thrown)) {
    return new DataError({ file: target }, `disk full: ${written} bytes were written, and are removed`, {
      cause: thrown,
    });
  }
  if (thrown instanceof WasmPanic) {
    return new DataError({ file: target }, 'cannot be written: the Parquet encoder failed', {
      cause: thrown,
    });
  }
  return thrown;
}
