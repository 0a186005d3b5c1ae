import { DataType, type Vector } from 'apache-arrow';
import { z } from 'zod';
import { isText, textReader } from '../pipeline/arrow/text.js';
import { type Batch, keepRows, namedColumn, roleColumn } from '../pipeline/batch.js';
import { schemaNote } from '../pipeline/columns-note.js';
import { defineTransform } from '../pipeline/component.js';
import { DataError, NagError } from '../pipeline/errors.js';
import { addMember, createDigestSet, type DigestSet } from './deduplicate/digest-set.js';
import { docidEncoder } from './nag/docid.js';

const options = z.strictObject({
  column: z.string().min(1).optional().describe('Rows that are equal in this column; by default the docid'),
  memory_mb: z
    .number()
    .positive()
    .default(2048)
    .describe(
      'The run stops where the values seen take more memory (about 25 bytes each, however long they are)',
    ),
});

/** Transform: keeps the first row of each value of a column. Rows without a value are kept; the others are counted. */
export const deduplicate = defineTransform({
  name: 'deduplicate',
  summary: 'Keep the first row of each docid, or of each value of another column',
  options,
  example: `
    - {id: a, use: read.parquet, with: {path: out/gsm8k.parquet}}
    - {id: b, use: read.parquet, with: {path: out/arc.parquet}}
    - {use: deduplicate, from: [a, b]}
    - {use: write.parquet, with: {path: out/merged.parquet}}`,
  chain: 'through',
  preview: (input, { column }) => {
    for (const batch of input) keyReader(batch, column);
    return input;
  },
  needs: ({ column }) => (column === undefined ? { roles: ['docid'] } : { columns: [column] }),
  remembers: true,
  async *run(input, { column, memory_mb }, context) {
    const seen = createDigestSet();
    let kind: string | undefined;
    for await (const batch of input) {
      const values = keyReader(batch, column);
      if (kind !== undefined && kind !== values.kind)
        throw new NagError(
          `${batch.bundle.file}: column "${values.name}" holds ${values.kind} here, and ${kind} before: they can never be equal; cast one of them`,
        );
      kind = values.kind;
      const kept = keepRows(batch, firsts(batch, values.read, seen));
      if (seen.bytes > memory_mb * 1e6)
        throw new NagError(
          `${seen.size} different values take more than memory_mb: ${memory_mb}; raise it (about 25 bytes each)`,
        );
      const repeated = batch.rows.length - kept.rows.length;
      if (repeated > 0) context.leftOut('seen before', repeated);
      yield kept;
    }
  },
});

type Read = (row: number) => Uint8Array | string | null;

function firsts(batch: Batch, read: Read, seen: DigestSet): Uint32Array {
  return Uint32Array.from(batch.rows.keys()).filter((row) => {
    const value = read(row);
    return value === null || addMember(seen, value);
  });
}

function keyReader(batch: Batch, column: string | undefined): { name: string; kind: string; read: Read } {
  const { vector, name } = column === undefined ? roleColumn(batch, 'docid') : requireColumn(batch, column);
  if (isText(vector.type)) return { name, kind: 'text', read: textReader(vector) };
  if (DataType.isNull(vector.type)) return { name, kind: 'text', read: () => null };
  if (DataType.isInt(vector.type)) {
    const encode = docidEncoder();
    const read = (row: number) => {
      const value: number | bigint | null = vector.get(row);
      return value === null ? null : encode(value);
    };
    return { name, kind: 'whole numbers', read };
  }
  throw new DataError(
    { file: batch.bundle.file, column: name },
    `expected text or whole numbers, found ${String(vector.type)}`,
  );
}

function requireColumn(batch: Batch, name: string): { vector: Vector; name: string } {
  const vector = namedColumn(batch, name);
  if (vector) return { vector, name };
  throw new DataError(
    { file: batch.bundle.file },
    `there is no column "${name}"${schemaNote(batch.columns.schema)}`,
  );
}
