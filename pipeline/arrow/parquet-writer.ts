import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { makeStagingFolder, publish } from '../publish.js';
import { BatchCursor } from './batch-cursor.js';
import { type PartOptions, writePart } from './parquet-part.js';
import { checkStorable } from './parquet-types.js';
import { verifyPart } from './parquet-verify.js';

export interface ParquetWriterOptions {
  readonly compression: 'zstd' | 'snappy' | 'gzip' | 'lz4' | 'brotli' | 'none';
  /** Most rows in a row group; one may have fewer, as it is also closed at 64 MiB. */
  readonly rowGroupRows: number;
  /** A new part is begun before a file grows past this. Default 1.9e9; the encoder cannot address 4 GiB. */
  readonly maxFileBytes?: number | undefined;
  /** Key-value pairs for the footer. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface WrittenFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}

const DEFAULT_MAX_FILE_BYTES = 1.9e9;

/** Parts that are complete, verified and on disk, but not at their path yet. Call one of the functions. */
export interface StagedParquet {
  /** As they will be: one file, or the files of a folder. */
  readonly files: readonly WrittenFile[];
  publish(): Promise<void>;
  discard(): Promise<void>;
}

/** A complete output beside its final path. One of the two must be called; `discard` after `publish` does nothing. */
export interface StagedParquet {
  /** With the paths that they will have. */
  readonly files: readonly WrittenFile[];
  /** Puts it at its path, where it replaces an earlier output. Errors: DataError; the earlier output is then kept. */
  publish(): Promise<void>;
  /** Removes it. */
  discard(): Promise<void>;
}

/**
 * Writes batches of one schema as Parquet: one file `path`, or, past `maxFileBytes`, a folder `path` with the files
 * part-00000.parquet, part-00001.parquet, … Each is read back and forced to disk. No batches give a file with zero
 * rows. On an error nothing of it remains.
 * Errors: those of `batches`, as they are; DataError when the disk is full, a column cannot be stored, or a part
 * does not read back as it was written.
 */
export async function stageParquet(
  path: string,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  options: ParquetWriterOptions,
): Promise<StagedParquet> {
  const cursor = new BatchCursor(batches);
  try {
    checkStorable(schema, path);
    const staging = await makeStagingFolder(path);
    const discard = (): Promise<void> => rm(staging, { recursive: true, force: true });
    try {
      const parts = await writeParts(path, staging, schema, cursor, options);
      const single = parts.length === 1;
      return {
        files: single ? [{ ...parts[0]!, path }] : parts,
        publish: async () => {
          await publish(single ? partPath(staging, 0) : staging, path);
          await discard();
        },
        discard,
      };
    } catch (thrown) {
      await discard();
      throw thrown;
    }
  } finally {
    await cursor.close();
  }
}

/** `stageParquet`, published at once: the earlier output is replaced when the new one is complete, or not at all. */
export async function writeParquet(
  path: string,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  options: ParquetWriterOptions,
): Promise<WrittenFile[]> {
  const staged = await stageParquet(path, schema, batches, options);
  try {
    await staged.publish();
    return [...staged.files];
  } finally {
    await staged.discard();
  }
}

async function writeParts(
  path: string,
  staging: string,
  schema: Schema,
  cursor: BatchCursor,
  options: ParquetWriterOptions,
): Promise<WrittenFile[]> {
  const partOptions: PartOptions = {
    ...options,
    maxFileBytes: options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES,
    target: path,
  };
  const parts: WrittenFile[] = [];
  do {
    const temporary = partPath(staging, parts.length);
    const part = await writePart(temporary, schema, cursor, partOptions);
    await verifyPart(temporary, schema, part.rows, path);
    parts.push({ path: partPath(path, parts.length), ...part });
  } while ((await cursor.peek()) !== undefined);
  return parts;
}

function partPath(folder: string, index: number): string {
  return join(folder, `part-${String(index).padStart(5, '0')}.parquet`);
}
