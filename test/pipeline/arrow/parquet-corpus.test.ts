import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataType, type RecordBatch } from 'apache-arrow';
import t from 'tap';
import { concatBatches } from '../../../pipeline/arrow/concat.js';
import { ParquetSource } from '../../../pipeline/arrow/parquet-file.js';
import { writeParquet } from '../../../pipeline/arrow/parquet-writer.js';
import { allSame } from '../../fixtures/all-same.js';
import { needsRealData, realData } from '../../fixtures/paths.js';

/** Files that other libraries keep because something is odd about them. */
const corpus = join(realData, 'parquet');

/** Not tried: one row of two strings of 1 GiB each takes 4 GB of memory and 10 s until it is refused as too large. */
const enormous = 'large_string_map.brotli.parquet';

const encrypted = /is an encrypted Parquet file/;
const undecodable = /its footer is damaged, encrypted, or of a kind that the decoder does not know/;

/** What cannot be read, and what its error says. All others must be read. */
const unsupported: Readonly<Record<string, RegExp>> = {
  // The footer's row count is 0, that of its row group 6.
  'repeated_no_annotation.parquet': /its footer is corrupt: 0 rows in all, but 6 in its row groups/,
  // The schema's columns have no repetition type, which the format requires.
  'strings.parquet': undecodable,
  // A page index from before it was specified.
  'dict-page-offset-zero.parquet': undecodable,
  'nation.dict-malformed.parquet': /row group 0 .* cannot be decoded: its pages are corrupt/,
  'encrypt_columns_and_footer.parquet.encrypted': encrypted,
  'encrypt_columns_and_footer_aad.parquet.encrypted': encrypted,
  'encrypt_columns_and_footer_bloom_filter.parquet.encrypted': encrypted,
  'encrypt_columns_and_footer_ctr.parquet.encrypted': encrypted,
  'encrypt_columns_and_footer_disable_aad_storage.parquet.encrypted': encrypted,
  'external_key_material_java.parquet.encrypted': encrypted,
  'uniform_encryption.parquet.encrypted': encrypted,
  // Its last row is of a year that no timestamp holds.
  'int96_from_spark.parquet': /row 5, column "a": is a time beyond the year 290000/,
  // Other columns of it are plain.
  'encrypt_columns_plaintext_footer.parquet.encrypted': /column ".*": is encrypted: it cannot be read/,
};

const writing = { compression: 'zstd', rowGroupRows: 700, metadata: {} } as const;

t.test(
  'every file of the corpus is read to its last row and written again, or gives one clear error',
  needsRealData,
  async (t) => {
    const out = join(t.testdir(), 'copy.parquet');
    let read = 0;
    await allSame(t, 'the files', async (same) => {
      for (const path of corpusFiles()) {
        const name = path.slice(corpus.length + 1);
        const reason = unsupported[path.slice(path.lastIndexOf('/') + 1)];
        if (reason) {
          await t.rejects(
            readRows(path),
            { name: 'DataError', message: reason, place: { file: path } },
            name,
          );
          continue;
        }
        const { source, batches } = await readRows(path);
        const rows = batches.flatMap(comparable);
        same(rows.length, source.rows, name);
        await writeParquet(out, source.schema, asyncFrom(batches), writing);
        const again = (await readRows(out)).batches.flatMap(comparable);
        same(again, rows, `${name}, written and read again`);
        if (batches.length > 1) same(comparable(concatBatches(batches)), rows, `${name}, joined`);
        read++;
      }
    });
    t.ok(read >= 130, `${read} files were read`);
  },
);

/** Files whose documented values are not those of their columns: hyparquet decodes further, or otherwise. */
const differently: Readonly<Record<string, string>> = {
  'adam_genotypes.parquet': 'empty lists are documented as null',
  'duckdb2557.parquet': 'an empty list is documented as null',
  'geoparquet.parquet': 'WKB is documented as GeoJSON',
  'geospatial.parquet': 'WKB is documented as GeoJSON',
  'issue23.parquet': 'bytes in structs are documented as text',
  'nested_structs.rust.parquet': 'counts of microseconds are documented as dates',
  'uuid.parquet': 'bytes are documented as text',
};

t.test('values are those that hyparquet documents', needsRealData, async (t) => {
  const folder = join(corpus, 'hyparquet');
  let compared = 0;
  await allSame(t, 'the rows', async (same) => {
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.parquet'))) {
      const expectation = join(folder, name.replace(/parquet$/, 'json'));
      // Shredded files hold variants, which hyparquet puts together again.
      const skipped = name in unsupported || name in differently || name.startsWith('shredded');
      if (skipped || !existsSync(expectation)) continue;
      const expected: unknown[] = JSON.parse(readFileSync(expectation, 'utf8'));
      const { batches } = await readRows(join(folder, name));
      same(canonical(batches.flatMap(documentedRows)), canonical(expected), name);
      compared++;
    }
  });
  t.ok(compared >= 45, `${compared} files were compared`);
});

/** Rows as hyparquet's documents have them: lists of values, which are JSON. */
function documentedRows(batch: RecordBatch): unknown[] {
  const columns = batch.schema.fields.map(({ type }, at) => ({ type, column: batch.getChildAt(at) }));
  return Array.from({ length: batch.numRows }, (_, row) =>
    columns.map(({ type, column }) => documented(type, column?.get(row))),
  );
}

/** hyparquet leaves nulls out of structs, and computes decimals in another order. */
function canonical(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(12));
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const present = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(present.map(([key, inner]) => [key, canonical(inner)]));
}

function documented(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (DataType.isTimestamp(type)) return new Date(Number(value)).toISOString();
  if (DataType.isDecimal(type)) return Number(value) / 10 ** type.scale;
  if (DataType.isBinary(type) && value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof Uint8Array) return [...value];
  const json = JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? Number(inner) : inner));
  return JSON.parse(json);
}

function corpusFiles(): string[] {
  return ['hyparquet', 'apache/data', 'apache/data/aes256', 'apache/data/geospatial']
    .map((folder) => join(corpus, folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => /\.parquet(?:\.encrypted)?$/.test(path) && !path.endsWith(enormous));
}

async function readRows(path: string): Promise<{ source: ParquetSource; batches: RecordBatch[] }> {
  const source = await ParquetSource.open(path);
  try {
    const batches: RecordBatch[] = [];
    const rowGroups = source.rowGroups.map((group) => group.index);
    for await (const batch of source.read({ rowGroups, batchRows: 999 })) batches.push(batch);
    return { source, batches };
  } finally {
    await source.close();
  }
}

async function* asyncFrom(batches: readonly RecordBatch[]): AsyncGenerator<RecordBatch> {
  yield* batches;
}

/** Each row as JSON. */
function comparable(batch: RecordBatch): string[] {
  return batch
    .toArray()
    .map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
}
