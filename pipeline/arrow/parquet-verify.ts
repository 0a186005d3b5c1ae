import type { Schema } from 'apache-arrow';
import { DataError, messageOf } from '../errors.js';
import { ParquetSource } from './parquet-file.js';
import { schemaDifference } from './parquet-types.js';
import { writtenSchema } from './store.js';

/**
 * Reads a written file's footer back: the encoder can drop rows without an error. `target` is what the user knows
 * the file as. Errors: DataError when it holds other than `rows` rows of `schema`.
 */
export async function verifyPart(path: string, schema: Schema, rows: number, target: string): Promise<void> {
  const source = await ParquetSource.open(path).catch((cause) => {
    throw new DataError({ file: target }, `was not written: it does not read back (${messageOf(cause)})`, {
      cause,
    });
  });
  try {
    const difference = schemaDifference(writtenSchema(schema), source.schema);
    if (source.rows !== rows) {
      throw new DataError(
        { file: target },
        `was not written: ${rows} rows went in, ${source.rows} read back`,
      );
    }
    if (difference) throw new DataError({ file: target }, `was not written as it should be: ${difference}`);
  } finally {
    await source.close();
  }
}
