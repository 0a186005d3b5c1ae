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

/**
 * Writes batches of one schema as Parquet: one file `path`, or, past `maxFileBytes`, a folder `path` with the files
 * part-00000.parquet, part-00001.parquet, … An earlier output at `path` is replaced when the new one is complete,
 * verified and on disk; on any error nothing of the new one remains. No batches give a file with zero rows.
 * Errors: those of `batches`, as they are; DataError when the disk is full, a column cannot be stored, or a part
 * does not read back as it was written.
 */
export async function writeParquet(
  path: string,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  options: ParquetWriterOptions,
): Promise<WrittenFile[]> {
  checkStorable(schema, path);
  const staging = await makeStagingFolder(path);
  const cursor = new BatchCursor(batches);
  try {
    const parts = await writeParts(path, staging, schema, cursor, options);
    const single = parts.length === 1;
    await publish(single ? partPath(staging, 0) : staging, path);
    return single ? [{ ...parts[0]!, path }] : parts;
  } finally {
    try {
      await cursor.close();
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
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
