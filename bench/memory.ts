/**
 * Peak memory of the whole main job over 0.2 GB and over 4 GB of pool: the ratio should be near 1. The pool is made on
 * the spot: documents of 5 kB, as on the web, in small row groups. The budget is a number of tokens, the same for both,
 * so that only the pool grows; a third run selects a tenth of the large pool, as the selection costs memory too.
 * The process runs under a limit on its data (RLIMIT_DATA) that is far below the pool's size.
 *
 *   npm run bench:memory [-- FOLDER]      about 9 GB of disk and 15 minutes; FOLDER is made and removed
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Field, Int32, makeData, RecordBatch, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import { writeParquet } from '../pipeline/arrow/parquet-writer.js';
import { writeModelFolder } from '../test/fixtures/checkpoint.js';

const fileBytes = 200e6;
const documentBytes = 5e3;
const rowGroupRows = 1000;
const limitKb = 1_000_000;
const sizes = [1, 20];
/** A tenth of the small pool's tokens. */
const budget = fileBytes / 4 / 10;

const root = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'nag-memory-')));
await mkdir(root, { recursive: true });
try {
  await writeModelFolder(join(root, 'model'), 'qwen3');
  await writeFile(
    join(root, 'target.jsonl'),
    Array.from({ length: 50 }, (_, i) => `${JSON.stringify({ doc: `question ${i}` })}\n`).join(''),
  );
  const peaks: number[] = [];
  for (let files = 0; files < sizes.at(-1)!; files++) {
    await writePoolFile(join(root, 'pool', `part-${String(files).padStart(3, '0')}.parquet`), files);
    if (sizes.includes(files + 1)) peaks.push(await peakOf(files + 1, `tokens: ${budget}`));
  }
  console.log(
    `peak memory ratio: ${(peaks.at(-1)! / peaks[0]!).toFixed(3)} (RLIMIT_DATA ${limitKb / 1000} MB)`,
  );
  await peakOf(sizes.at(-1)!, 'fraction: 0.1');
} finally {
  await rm(root, { recursive: true, force: true });
}

async function writePoolFile(path: string, seed: number): Promise<void> {
  const schema = new Schema([
    new Field('docid', new Utf8()),
    new Field('doc', new Utf8()),
    new Field('token_num', new Int32()),
  ]);
  async function* batches() {
    const documents = fileBytes / documentBytes;
    for (let first = 0; first < documents; first += rowGroupRows) {
      const rows = Array.from({ length: rowGroupRows }, (_, i) => seed * documents + first + i);
      const children = [
        vectorFromArray(
          rows.map((row) => `doc-${row}`),
          new Utf8(),
        ).data[0]!,
        vectorFromArray(rows.map(text), new Utf8()).data[0]!,
        vectorFromArray(
          rows.map(() => documentBytes / 4),
          new Int32(),
        ).data[0]!,
      ];
      yield new RecordBatch(
        schema,
        makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children }),
      );
    }
  }
  await mkdir(join(path, '..'), { recursive: true });
  await writeParquet(path, schema, batches(), { compression: 'none', rowGroupRows, metadata: {} });
}

/** Words drawn by a small generator seeded with the row. */
function text(row: number): string {
  let state = row * 2_654_435_761 + 1;
  const words: string[] = [];
  for (let bytes = 0; bytes < documentBytes; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const word = ((state >>> 0) % 1_679_616).toString(36);
    words.push(word);
    bytes += word.length + 1;
  }
  return words.join(' ');
}

async function peakOf(files: number, kept: string): Promise<number> {
  const config = join(root, 'memory.yaml');
  const nag = '{template: nag}';
  await writeFile(
    config,
    [
      'version: 1',
      'templates:',
      '  nag:',
      '    - {use: tokenize, with: {model: model, max_length: 60}}',
      '    - {use: extract, with: {model: model, device: cpu}}',
      '    - {use: top_k, with: {k: 8}}',
      'stages:',
      '  - {use: read.jsonl, with: {path: target.jsonl}}',
      `  - ${nag}`,
      '  - {id: profile, use: profile}',
      '  - {use: read.parquet, with: {path: "pool/*.parquet"}}',
      `  - ${nag}`,
      '  - {use: score, from: {profile: profile}}',
      `  - {use: rank, with: {${kept}}}`,
      '  - {use: write.parquet, with: {path: out.parquet, row_group_rows: 1000}}',
    ].join('\n'),
  );
  const main = fileURLToPath(new URL('../bin/main.js', import.meta.url));
  const command = `ulimit -d ${limitKb} && exec "${process.execPath}" "${main}" run "${config}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { maxBuffer: 1e8 });
  const peak = Number(/peak memory ([\d,.]+) MB/.exec(stdout)?.[1]?.replaceAll(',', ''));
  console.log(`${((files * fileBytes) / 1e9).toFixed(1)} GB of pool, ${kept}: peak ${peak} MB`);
  return peak;
}
