import { Bool, type Data, Float64, Int64, makeData, Utf8, vectorFromArray } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, withColumn } from '../pipeline/batch.js';
import { defineTransform } from '../pipeline/component.js';

const options = z.strictObject({
  columns: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .refine((columns) => Object.keys(columns).length > 0, { message: 'name at least one column' })
    .refine((columns) => Object.keys(columns).every((name) => /^[^#]/.test(name)), {
      message: 'a name may not be empty, nor start with # (such columns are never written)',
    })
    .describe('Columns and their value: text, a number, true or false. A column of that name is replaced'),
});

/** Transform: adds columns that have the same value in every row. */
export const label = defineTransform({
  name: 'label',
  summary: 'Add columns with the same value in every row, such as where the rows come from',
  options,
  example: `
    - {use: read.jsonl, with: {path: gsm8k/test.jsonl}}
    - {use: label, with: {columns: {target: gsm8k, split: held-out}}}
    - {use: write.jsonl, with: {path: out/labelled.jsonl}}`,
  chain: 'through',
  preview: (input, { columns }) => input.map((batch) => labelled(batch, columns)),
  needs: () => ({}),
  mayDrop: () => false,
  async *run(input, { columns }) {
    for await (const batch of input) yield labelled(batch, columns);
  },
});

function labelled(batch: Batch, columns: Readonly<Record<string, string | number | boolean>>): Batch {
  return Object.entries(columns).reduce(
    (out, [column, value]) => withColumn(out, column, constant(value, batch.rows.length)),
    batch,
  );
}

/** `rows` times a value: text, int64 for whole numbers that are exact, float64 for others, or bool. */
function constant(value: string | number | boolean, rows: number): Data {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value)
      ? makeData({ type: new Int64(), data: new BigInt64Array(rows).fill(BigInt(value)), nullCount: 0 })
      : makeData({ type: new Float64(), data: new Float64Array(rows).fill(value), nullCount: 0 });
  }
  const cells = Array<string | boolean>(rows).fill(value);
  return vectorFromArray(cells, typeof value === 'string' ? new Utf8() : new Bool()).data[0]!;
}
