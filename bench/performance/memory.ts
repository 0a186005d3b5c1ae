import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Field, Int32, makeData, RecordBatch, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import { writeParquet } from '../../pipeline/arrow/parquet-writer.js';
import { writeModelFolder } from '../../test/fixtures/checkpoint.js';
import { mainFile } from '../../test/fixtures/cli.js';
import { atMost, type Part } from './part.js';

const fileBytes = 200e6;
const documentBytes = 5e3;
const rowGroupRows = 1000;
const limitKb = 1_000_000;
/** A tenth of the small pool's tokens. */
const budget = fileBytes / 4 / 10;

/** Peak memory of the whole main job, extraction included, over a small and a large pool. */
export const memory: Part = async ({ folder, quick, say }) => {
  const [small, large] = quick ? [1, 2] : [1, 20];
  await writeModelFolder(join(folder, 'model'), 'qwen3');
  const target = Array.from({ length: 50 }, (_, i) => `${JSON.stringify({ doc: `question ${i}` })}\n`);
  await writeFile(join(folder, 'target.jsonl'), target.join(''));
  const write = async (first: number, end: number) => {
    for (let file = first; file < end; file++)
      await writePoolFile(join(folder, 'pool', `part-${String(file).padStart(3, '0')}.parquet`), file);
  };
  const peakOf = async (kept: string) => {
    const megabytes = await peak(folder, kept);
    say(`${kept}: ${megabytes} MB`);
    return megabytes;
  };
  await write(0, small);
  const ofSmall = await peakOf(`tokens: ${budget}`);
  await write(small, large);
  const ofLarge = await peakOf(`tokens: ${budget}`);
  const ofTenth = await peakOf('fraction: 0.1');
  const gigabytes = (files: number) => ((files * fileBytes) / 1e9).toFixed(1);
  return {
    part: 'memory',
    title: 'Memory of a whole run',
    how: `Tokenize, extract (a small model), score, rank, write, over documents of 5 kB made on the spot in row groups of ${rowGroupRows.toLocaleString('en-US')}; the budget is a number of tokens, the same for both pools. The process runs under a limit on its data (RLIMIT_DATA) of ${limitKb / 1000} MB, far below the pool's size.`,
    figures: [
      { what: `${gigabytes(small)} GB of pool, peak`, value: ofSmall, unit: 'MB' },
      { what: `${gigabytes(large)} GB of pool, peak`, value: ofLarge, unit: 'MB' },
      {
        what: '… compared',
        value: ofLarge / ofSmall,
        unit: '×',
        aim: atMost(1.1),
        predicted: '1.0: nothing is kept of documents that are not selected',
      },
      { what: `${gigabytes(large)} GB of pool, a tenth of it selected, peak`, value: ofTenth, unit: 'MB' },
    ],
  };
};

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
  await mkdir(dirname(path), { recursive: true });
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

/** Megabytes. */
async function peak(folder: string, kept: string): Promise<number> {
  const config = join(folder, 'memory.yaml');
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
  const command = `ulimit -d ${limitKb} && exec "${process.execPath}" "${mainFile}" run "${config}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { maxBuffer: 1e8 });
  return Number(/peak memory ([\d,.]+) MB/.exec(stdout)?.[1]?.replaceAll(',', ''));
}
