import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { linesOf } from '../pipeline/arrow/json-row.js';
import type { Batch, Bundle } from '../pipeline/batch.js';
import { syncFolder, writeSynced } from '../pipeline/durable.js';
import { DataError } from '../pipeline/errors.js';
import { CONTENTS } from '../pipeline/publication/staging.js';

/** A shard that was written. */
export interface Shard {
  readonly name: string;
  /** The input file whose rows it holds. */
  readonly input: string;
  rows: number;
}

/**
 * Writes the rows of each input file to a file of their own in a folder, `a/b.parquet` to `b.jsonl`: the reference's
 * layout of feature files (NAG.md §2). Folders below the one that was read, or below a glob, are kept. An input without rows has none. Throws where two inputs would have the same.
 */
export async function writeShards(
  batches: AsyncIterable<Batch>,
  folder: string,
  toText: (batch: RecordBatch) => string = linesOf,
): Promise<Shard[]> {
  const shards: Shard[] = [];
  let current: { shard: Shard; file: FileHandle } | undefined;
  try {
    for await (const { bundle, columns } of batches) {
      if (columns.numRows === 0) continue;
      if (current?.shard.input !== bundle.file) {
        await finish(current?.file);
        current = undefined;
        const shard = nextShard(bundle, shards);
        await mkdir(dirname(join(folder, shard.name)), { recursive: true });
        current = { shard, file: await open(join(folder, shard.name), 'wx') };
        shards.push(shard);
      }
      await current.file.appendFile(toText(columns));
      current.shard.rows += columns.numRows;
    }
    await current?.file.sync();
    for (const inside of new Set(shards.map(({ name }) => dirname(name))))
      await syncFolder(join(folder, inside));
  } finally {
    await current?.file.close();
  }
  await writeSynced(join(folder, CONTENTS), shards.map(({ name }) => name).join('\n'));
  return shards;
}

async function finish(file: FileHandle | undefined): Promise<void> {
  await file?.sync();
  await file?.close();
}

function nextShard({ file: input, name: below }: Bundle, shards: readonly Shard[]): Shard {
  const name = `${placeOf(below ?? basename(input)).replace(/(\.(jsonl|ndjson|json))?\.\w+$/, '')}.jsonl`;
  const other = shards.find((shard) => shard.name === name);
  if (other)
    throw new DataError(
      { file: input },
      `its shard ${name} is that of ${other.input} already; write the files with a sink each, or rename one`,
    );
  return { name, input, rows: 0 };
}

/** A pattern may lead out of its folder again; a shard stays in its own. */
function placeOf(name: string): string {
  const place = normalize(name).replaceAll('\\', '/');
  return place.startsWith('../') ? basename(place) : place;
}
