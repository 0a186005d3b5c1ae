import { createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RecordBatch } from 'apache-arrow';
import { z } from 'zod';
import { defineSink } from '../pipeline/component.js';
import { makeStagingFolder, publish } from '../pipeline/publish.js';
import { jsonRow } from './json-row.js';
import { outputBatches, outputOptions } from './output.js';
import { writeFailure } from './write-failure.js';

const options = z.strictObject({ ...outputOptions });

/** Sink: one JSON object a line; gzipped where the path ends in .gz. Feature columns have the reference's layout. */
export const writeJsonl = defineSink({
  name: 'write.jsonl',
  summary: 'Write rows as JSON lines, gzipped where the path ends in .gz',
  options,
  example: `
    - {use: read.parquet, with: {path: "docs/*.parquet"}}
    - {use: write.jsonl, with: {path: out/docs.jsonl.gz}}`,
  async run(input, settings, context) {
    const staging = await makeStagingFolder(settings.path);
    const temporary = join(staging, basename(settings.path));
    const discard = () => rm(staging, { recursive: true, force: true });
    const count = { rows: 0 };
    try {
      const lines = Readable.from(toLines(outputBatches(input, settings.order, context.tempDir), count), {
        objectMode: true,
        highWaterMark: 1,
      });
      const target = createWriteStream(temporary, { flags: 'wx' });
      if (settings.path.endsWith('.gz')) await pipeline(lines, createGzip(), target);
      else await pipeline(lines, target);
      await sync(temporary);
    } catch (error) {
      await discard();
      throw writeFailure(error, settings.path);
    }
    return {
      rows: count.rows,
      files: [settings.path],
      publish: async () => {
        await publish(temporary, settings.path);
        await discard();
      },
      discard,
    };
  },
});

/** The text of each batch. */
async function* toLines(
  batches: AsyncIterable<RecordBatch>,
  count: { rows: number },
): AsyncGenerator<string> {
  for await (const batch of batches) {
    const write = jsonRow(batch);
    const lines = Array.from({ length: batch.numRows }, (_, row) => `${write(row)}\n`);
    count.rows += lines.length;
    if (lines.length > 0) yield lines.join('');
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
