import { RecordBatch, Schema } from 'apache-arrow';
import { DataError } from '../../pipeline/errors.js';

/** A batch with the key-value pairs of its file's footer: the decoder leaves them out. */
export function withPairs({ schema, data }: RecordBatch, { metadata }: Schema): RecordBatch {
  return new RecordBatch(new Schema(schema.fields, metadata), data);
}

/** The files as if they did not have some columns. */
export function withoutColumns<File extends { readonly path: string; readonly schema: Schema }>(
  files: readonly File[],
  names: readonly string[],
): readonly File[] {
  if (names.length === 0) return files;
  const there = new Set(files.flatMap(({ schema }) => schema.fields.map((field) => field.name)));
  const missing = names.find((name) => !there.has(name));
  if (missing !== undefined)
    throw new DataError(
      { file: files[0]?.path },
      `without: there is no column "${missing}" (columns: ${[...there].join(', ')})`,
    );
  return files.map((file) => ({
    ...file,
    schema: file.schema.select(
      file.schema.fields.map(({ name }) => name).filter((name) => !names.includes(name)),
    ),
  }));
}
