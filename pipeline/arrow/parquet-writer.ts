import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { publishAll } from '../publication/publish.js';
import { type StagedOutput, stageOutput } from '../publication/staging.js';
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

/** Parts that are complete, verified and on disk, but not at their path yet. */
export interface StagedParquet {
  /** As they will be: one file, or the files of a folder. */
  readonly files: readonly WrittenFile[];
  readonly outputs: readonly StagedOutput[];
  /** Removes what was not published; to be called in any case. */
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
    return await stageOutput(path, async (staging) => {
      const parts = await writeParts(path, staging, schema, cursor, options);
      return parts.length === 1
        ? { files: [{ ...parts[0]!, path }], temporary: partPath(staging, 0) }
        : { files: parts, temporary: staging };
    });
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
    await publishAll(staged.outputs, { together: false });
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
