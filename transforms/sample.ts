import { basename } from 'node:path';
import { z } from 'zod';
import { isText, textReader } from '../pipeline/arrow/text.js';
import { type Batch, keepRows, namedColumn } from '../pipeline/batch.js';
import { defineTransform } from '../pipeline/component.js';
import { DataError } from '../pipeline/errors.js';
import { seededFraction } from './sampling.js';

const options = z.strictObject({
  fraction: z.number().min(0).max(1).describe('About this share of the rows'),
  seed: z
    .int()
    .default(1)
    .describe('Another seed, another sample; with the same one a smaller fraction is part of a larger'),
  invert: z.boolean().default(false).describe('Keep exactly the rows that the sample without it leaves out'),
  column: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Rows equal in this column stay together; by default the docid, and where there is none the name of the file and the row in it',
    ),
});

/** Transform: a sample that depends on the seed and the documents only, not on batches, order or machine. */
export const sample = defineTransform({
  name: 'sample',
  summary: 'Keep a random share of the rows, or with invert the others: the two parts of a split',
  options,
  example: `
    - {id: questions, use: read.jsonl, with: {path: gsm8k/train.jsonl}}
    - {id: most, use: sample, with: {fraction: 0.8}}
    - {use: write.jsonl, with: {path: out/profile.jsonl}}
    - {id: others, use: sample, from: questions, with: {fraction: 0.8, invert: true}}
    - {use: write.jsonl, with: {path: out/held-out.jsonl}}`,
  chain: 'through',
  preview: (input, { column }) => {
    for (const batch of input) keyReader(batch, column);
    return input;
  },
  needs: ({ column }) => (column === undefined ? { optionalRoles: ['docid'] } : { columns: [column] }),
  async *run(input, { fraction, seed, invert, column }, context) {
    for await (const batch of input) {
      const keyOf = keyReader(batch, column);
      const rows = Uint32Array.from(batch.rows.keys()).filter(
        (row) => seededFraction(seed, keyOf(row)) < fraction !== invert,
      );
      const leftOut = batch.rows.length - rows.length;
      if (leftOut > 0) context.leftOut('not in the sample', leftOut);
      yield keepRows(batch, rows);
    }
  },
});

/** The key of a row; one without a value has its place in the file instead. */
function keyReader(batch: Batch, column: string | undefined): (row: number) => string {
  const name = column ?? batch.roles.docid;
  const vector = name === undefined ? undefined : namedColumn(batch, name);
  const place = (row: number) => `${basename(batch.bundle.file)}:${batch.bundle.firstRow + batch.rows[row]!}`;
  if (!vector && column !== undefined)
    throw new DataError({ file: batch.bundle.file }, `there is no column "${column}" to sample by`);
  if (!vector) return place;
  const text = isText(vector.type) ? textReader(vector) : undefined;
  return (row) => {
    const value: unknown = text ? text(row) : vector.get(row);
    return value === null ? place(row) : String(value);
  };
}
