import { createWriteStream } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RecordBatch } from 'apache-arrow';
import { z } from 'zod';
import { linesOf } from '../pipeline/arrow/json-row.js';
import type { Batch } from '../pipeline/batch.js';
import { type Context, defineSink } from '../pipeline/component.js';
import { syncFile } from '../pipeline/durable.js';
import { stageOutput } from '../pipeline/publication/staging.js';
import { columnNeeds } from './columns.js';
import { writeShards } from './jsonl-shards.js';
import { outputBatches, outputOptions, previewOutput, sameColumns } from './output.js';
import { verifyLines } from './verify-lines.js';
import { writeFailure } from './write-failure.js';

const options = z
  .strictObject({
    ...outputOptions,
    shards: z
      .enum(['input'])
      .optional()
      .describe(
        'input: path is a folder, and the rows of each input file go to one of the same name in it, in their order',
      ),
  })
  .refine(({ shards, order }) => !shards || order !== 'rank', {
    message: 'shards have the order of their input: leave order out',
  })
  .refine(({ path }) => !/\.(zst|zstd|bz2|xz|lz4|zip|br|sz|snappy|7z)$/.test(path), {
    message:
      'files are written plain, or compressed where the path ends in .gz; compress them otherwise afterwards',
    path: ['path'],
  })
  .refine(({ shards, path }) => !shards || !/\.jsonl(\.gz)?$/.test(path), {
    message: 'path is a folder where shards are written, and has no ending',
  });

type Options = z.output<typeof options>;

/** Sink: one JSON object a line; gzipped where the path ends in .gz. Feature columns have the reference's layout. */
export const writeJsonl = defineSink({
  name: 'write.jsonl',
  summary: 'Write rows as JSON lines, gzipped where the path ends in .gz',
  options,
  example: `
    - {id: docs, use: read.parquet, with: {path: "docs/*.parquet"}}
    - {use: write.jsonl, with: {path: out/docs.jsonl.gz}}
    - {use: tokenize, from: docs, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {use: write.jsonl, with: {path: out/features, shards: input, columns: [docid, fwd_up_feature]}}`,
  fileNames: ({ shards }) => (shards ? ['documents.jsonl', 'documents.jsonl.gz'] : []),
  namedByInput: ({ shards }) => shards === 'input',
  needs: ({ columns }) => columnNeeds(columns),
  preview: async (input, settings) => {
    await previewOutput(input, settings, settings.shards === undefined);
    return undefined;
  },
  async run(input, settings, context) {
    const write = settings.shards ? writeFolder : writeFile;
    const lines = lineWriter(context);
    const fill = (staging: string) => write(input, settings, staging, lines, context.tempDir);
    return await stageOutput(settings.path, fill).catch((error: unknown) => {
      throw writeFailure(error, settings.path);
    });
  },
});

/** The lines of a batch. */
type LineWriter = (batch: RecordBatch) => string;

/** Reports once of each column that it holds what JSON does not have. */
function lineWriter(context: Context): LineWriter {
  const noted = new Set<string>();
  return (batch) =>
    linesOf(batch, (column) => {
      if (noted.has(column)) return;
      noted.add(column);
      context.note(`column "${column}": NaN or infinity is written as null: JSON has neither`);
    });
}

/** What is complete, and the names it will have. */
interface Written {
  readonly temporary: string;
  readonly rows: number;
  readonly files: readonly string[];
}

async function writeFile(
  input: AsyncIterable<Batch>,
  { path, order, columns }: Options,
  staging: string,
  toText: LineWriter,
  tempDir: string,
): Promise<Written> {
  const temporary = join(staging, basename(path));
  const count = { rows: 0 };
  const lines = Readable.from(toLines(outputBatches(input, order, tempDir, columns), count, toText), {
    objectMode: true,
    highWaterMark: 1,
  });
  const target = createWriteStream(temporary, { flags: 'wx' });
  if (path.endsWith('.gz')) await pipeline(lines, createGzip(), target);
  else await pipeline(lines, target);
  await syncFile(temporary);
  await verifyLines(temporary, count.rows, path);
  return { temporary, rows: count.rows, files: [path] };
}

async function writeFolder(
  input: AsyncIterable<Batch>,
  { path, columns }: Options,
  staging: string,
  toText: LineWriter,
): Promise<Written> {
  const shards = await writeShards(sameColumns(input, columns, false), staging, toText);
  for (const { name, rows } of shards) await verifyLines(join(staging, name), rows, join(path, name));
  const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
  return { temporary: staging, rows, files: shards.map(({ name }) => join(path, name)) };
}

/** The text of each batch. */
async function* toLines(
  batches: AsyncIterable<RecordBatch>,
  count: { rows: number },
  toText: LineWriter,
): AsyncGenerator<string> {
  for await (const batch of batches) {
    count.rows += batch.numRows;
    if (batch.numRows > 0) yield toText(batch);
  }
}
