import { type FileHandle, open } from 'node:fs/promises';
import { ReadableStream } from 'node:stream/web';
import type { Schema } from 'apache-arrow';
import type { RecordBatch as WasmBatch, WriterProperties } from 'parquet-wasm';
import { DataError, isDiskFull, messageOf, NagError } from '../errors.js';
import type { BatchCursor } from './batch-cursor.js';
import { EncoderInput, type EncoderInputOptions, ROW_GROUP_BYTES } from './encoder-input.js';
import { stampFooter } from './footer-stamp.js';
import type { ParquetWriterOptions } from './parquet-writer.js';
import { newParquetWasm, type ParquetWasm, releaseParquetWasm, WasmPanic } from './wasm.js';

/** All that a part needs to know; `target` is the path that errors speak of. */
export type PartOptions = ParquetWriterOptions & EncoderInputOptions;

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
  const handle = await open(path, 'wx+').catch((cause) => {
    throw new DataError({ file: options.target }, `cannot be written: ${messageOf(cause)}`, { cause });
  });
  const wasm = newParquetWasm();
  const part = new EncoderInput(wasm, schema, cursor, options);
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
    const bytes = await stampFooter(handle, part.written, schema);
    await handle.sync();
    await handle.close();
    // Only an instance that did its work to the end is known to hold nothing any more.
    releaseParquetWasm(wasm);
    return { rows: part.rows, bytes };
  } catch (thrown) {
    if (part.failure?.fromSource) throw part.failure.cause;
    throw explain(part.failure ? part.failure.cause : thrown, options.target, part.written);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

async function copyOut(
  wasm: ParquetWasm,
  output: ReadableStream<Uint8Array>,
  handle: FileHandle,
  part: EncoderInput,
): Promise<void> {
  const reader = output.getReader();
  for (;;) {
    const { done, value } = await wasm.run(() => reader.read());
    if (done) return;
    for (let at = 0; at < value.length; ) at += (await handle.write(value, at)).bytesWritten;
    part.written += value.length;
  }
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
  if (thrown instanceof NagError) return thrown;
  const place = { file: target };
  if (isDiskFull(thrown)) {
    const message = `disk full: ${written} bytes were written, and are removed`;
    return new DataError(place, message, { cause: thrown });
  }
  const reason = thrown instanceof WasmPanic ? 'the Parquet encoder gave up' : messageOf(thrown);
  return new DataError(place, `cannot be written: ${reason}`, { cause: thrown });
}
