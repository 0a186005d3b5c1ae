import { type RecordBatch, Schema } from 'apache-arrow';
import { z } from 'zod';
import { evenBatches } from '../pipeline/arrow/even-batches.js';
import { checkStorable } from '../pipeline/arrow/parquet-types.js';
import { stageParquet } from '../pipeline/arrow/parquet-writer.js';
import { defineSink } from '../pipeline/component.js';
import { columnNeeds } from './columns.js';
import { carriedKeys } from './footer-keys.js';
import { outputBatches, outputOptions, previewOutput } from './output.js';

const options = z.strictObject({
  ...outputOptions,
  compression: z
    .enum(['zstd', 'snappy', 'gzip', 'lz4', 'brotli', 'none'])
    .default('zstd')
    .describe('Codec of the columns'),
  row_group_rows: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Most rows in a row group; smaller ones need less memory to read'),
  part_mb: z
    .number()
    .positive()
    .max(1900)
    .default(1900)
    .describe('Larger outputs become a folder of parts, none larger than this'),
});

/** Most of a batch that is encoded. */
const batchRows = 2048;
const batchBytes = 16e6;

/** Sink: Parquet, one file or a folder of parts. */
export const writeParquetSink = defineSink({
  name: 'write.parquet',
  summary: 'Write rows with all their columns as Parquet',
  options,
  example: `
    - {use: read.jsonl, with: {path: "docs/*.jsonl"}}
    - {use: write.parquet, with: {path: out/docs.parquet, compression: zstd, row_group_rows: 5000}}`,
  // A large output becomes a folder of parts.
  fileNames: () => ['part-00000.parquet'],
  needs: ({ columns }) => columnNeeds(columns),
  preview: async (input, settings) => {
    const [schema] = await previewOutput(input, settings);
    if (schema) checkStorable(schema, settings.path);
    return undefined;
  },
  async run(input, settings, context) {
    const batches = outputBatches(input, settings.order, context.tempDir, settings.columns);
    try {
      const first = await batches.next();
      if (first.done) throw new RangeError('outputBatches gave no batch');
      // A part can only end between two batches.
      const bytes = Math.min(batchBytes, (settings.part_mb * 1e6) / 8);
      const all = evenBatches(withFirst(first.value, batches), { rows: batchRows, bytes });
      const carried = carriedKeys(first.value.schema);
      // pyarrow only sees those in the Arrow schema, others only those in the footer.
      const schema = new Schema(first.value.schema.fields, new Map(Object.entries(carried)));
      const staged = await stageParquet(settings.path, schema, all, {
        compression: settings.compression,
        rowGroupRows: settings.row_group_rows,
        maxFileBytes: settings.part_mb * 1e6,
        metadata: { ...carried, ...Object.fromEntries(context.provenance) },
      });
      return {
        ...staged,
        rows: staged.files.reduce((sum, file) => sum + file.rows, 0),
        files: staged.files.map((file) => file.path),
      };
    } finally {
      await batches.return(undefined);
    }
  },
});

async function* withFirst(first: RecordBatch, rest: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  yield first;
  yield* rest;
}
