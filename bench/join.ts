/**
 * Peak memory and time of a join of documents with features: 5 million of each, in the same order and shuffled, under
 * a limit on the process' data (RLIMIT_DATA). Features are 4 layers × 20.
 *
 *   npm run bench:join [-- ROWS]      about 4 GB of disk and 5 minutes
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Field, Int32, makeData, RecordBatch, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import { writeParquet } from '../pipeline/arrow/parquet-writer.js';
import { type FeatureInfo, featureData, featureMetadata } from '../transforms/columns.js';

const rows = Number(process.argv[2] ?? 5e6);
const limitKb = 1_000_000;
const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 4,
  k: 20,
  width: 6144,
  model: 'none',
  tokenizer: 'none',
  maxLength: 120,
};

const root = await mkdtemp(join(tmpdir(), 'nag-join-'));
try {
  await write('docs.parquet', false, (i) => i);
  await write('features.parquet', true, (i) => i);
  // 7919 is prime: all numbers occur, far from their neighbours.
  await write('shuffled.parquet', true, (i) => (i * 7919) % rows);
  for (const features of ['features', 'shuffled']) await measure(features);
} finally {
  await rm(root, { recursive: true, force: true });
}

async function write(name: string, withFeatures: boolean, idOf: (row: number) => number): Promise<void> {
  const fields = withFeatures
    ? [
        new Field('docid', new Utf8()),
        new Field('fwd_up_feature', featuresOf(0, 1).type, false, featureMetadata(info)),
      ]
    : [new Field('docid', new Utf8()), new Field('token_num', new Int32())];
  const schema = new Schema(fields);
  async function* batches() {
    for (let first = 0; first < rows; first += 10_000) {
      const ids = Array.from({ length: Math.min(10_000, rows - first) }, (_, i) => idOf(first + i));
      const docids = vectorFromArray(
        ids.map((id) => `document-${id}`),
        new Utf8(),
      ).data[0]!;
      const tokens = makeData({
        type: new Int32(),
        data: Int32Array.from(ids, (id) => id % 1000),
        nullCount: 0,
      });
      const children = [docids, withFeatures ? featuresOf(first, ids.length) : tokens];
      const data = makeData({ type: new Struct(fields), length: ids.length, nullCount: 0, children });
      yield new RecordBatch(schema, data);
    }
  }
  await writeParquet(join(root, name), schema, batches(), {
    compression: 'none',
    rowGroupRows: 20_000,
    metadata: {},
  });
}

function featuresOf(first: number, count: number) {
  const values = Int32Array.from({ length: count * 80 }, (_, i) => (first + i * 31) % 6144);
  return featureData(values, count, info);
}

async function measure(features: string): Promise<void> {
  const config = join(root, 'join.yaml');
  await writeFile(
    config,
    `version: 1
stages:
  - {id: features, use: read.parquet, with: {path: ${features}.parquet}}
  - {id: docs, use: read.parquet, with: {path: docs.parquet}}
  - {use: join, from: {main: docs, features: features}}
  - {use: show, with: {rows: 1, columns: [docid]}}
`,
  );
  const main = fileURLToPath(new URL('../bin/main.js', import.meta.url));
  const command = `ulimit -d ${limitKb} && exec "${process.execPath}" "${main}" run "${config}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { maxBuffer: 1e8 });
  const [first = ''] = stdout.split('\n');
  console.log(`${rows} documents, ${features}: ${first.replace('join: ', '')}`);
}
