import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Field, FixedSizeList, Int64, List, Uint16, Utf8 } from 'apache-arrow';
import { testParquetBytes } from '../fixtures/parquet.js';
import { mutateParquet } from './mutate/parquet.js';
import { copyConfig, runConfig } from './mutation-run.js';
import { random } from './random.js';

const rows = Array.from({ length: 40 }, (_, row) => row);

/** Reads Parquet of several codecs and types, and writes its rows: as many come out as the file has. */
export async function parquetSubject(folder: string): Promise<(seed: number) => Promise<string>> {
  const originals = (['SNAPPY', 'ZSTD', 'GZIP', 'UNCOMPRESSED'] as const).map((compression) =>
    Buffer.from(testParquetBytes(columns, { compression, rowGroupRows: 15 })),
  );
  const config = join(folder, 'copy.yaml');
  await writeFile(config, copyConfig('read.parquet', 'pool.parquet'));
  return async (seed) => {
    const numbers = random(seed);
    const { bytes, inFooter } = mutateParquet(numbers.pick(originals), numbers);
    await writeFile(join(folder, 'pool.parquet'), bytes);
    await runConfig(config);
    const text = await readFile(join(folder, 'out.jsonl'), 'utf8');
    const found = text.split('\n').length - 1;
    if (found !== rows.length) throw new Error(`wrong success: ${found} of ${rows.length} rows`);
    return inFooter ? 'accepted: rows complete' : 'accepted: other values, or none changed';
  };
}

const columns = {
  docid: rows.map((row) => `d${row}`),
  doc: { type: new Utf8(), values: rows.map((row) => [`text ${row} `.repeat(row % 7), '', null][row % 3]) },
  token_num: { type: new Int64(), values: rows.map(BigInt) },
  score: rows.map((row) => row / 7),
  tags: {
    type: new List(new Field('item', new Utf8(), true)),
    values: rows.map((row) => (row % 4 === 0 ? null : [`${row}`, 'x'])),
  },
  up: {
    type: new FixedSizeList(2, new Field('item', new Uint16(), false)),
    values: rows.map((row) => [row, row + 1]),
  },
};
