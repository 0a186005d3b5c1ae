import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int64 } from 'apache-arrow';
import { loadForCommand, planOf } from '../../pipeline/cli/load.js';
import type { Reporter } from '../../pipeline/report.js';
import { newRunId } from '../../pipeline/state/records.js';
import { supervise } from '../../pipeline/supervise.js';
import { writeTestParquet } from '../fixtures/parquet.js';

/**
 * Run as a process, in a folder with a model: night after night for so many seconds, each with a pool that has one new
 * file and lacks the oldest. Handles and memory of a night must not stay for the next.
 */
const [, , folder = '.', seconds = '60'] = process.argv;
const quiet: Reporter = {
  start: () => undefined,
  note: () => undefined,
  event: () => undefined,
  summary: () => undefined,
  stop: () => undefined,
};

const rows = Array.from({ length: 400 }, (_, row) => row);
const files = 6;

async function writePool(night: number): Promise<void> {
  await writeTestParquet(
    join(folder, 'pool', `${String(night).padStart(6, '0')}.parquet`),
    {
      docid: rows.map((row) => `${night}-${row}`),
      doc: rows.map((row) => `the rain of night ${night} and row ${row} `.repeat(1 + (row % 5))),
      token_num: { type: new Int64(), values: rows.map((row) => BigInt(5 + (row % 30))) },
    },
    { rowGroupRows: 100 },
  );
  await rm(join(folder, 'pool', `${String(night - files).padStart(6, '0')}.parquet`), { force: true });
}

await mkdir(join(folder, 'pool'), { recursive: true });
await writeFile(join(folder, 'target.jsonl'), '{"docid": "t", "doc": "the rain of spain", "token_num": 4}\n');
const file = join(folder, 'nightly.yaml');
await writeFile(
  file,
  `version: 1
state_dir: state
keep: {runs: 20}
templates:
  nag:
    - {use: tokenize, with: {model: model, max_length: 32}}
    - {use: extract, with: {model: model, device: cpu, threads: 1}}
    - {use: top_k, with: {k: 4}}
stages:
  - {use: read.jsonl, with: {path: target.jsonl}}
  - {template: nag}
  - {id: profile, use: profile}
  - {use: read.parquet, with: {path: "pool/*.parquet"}}
  - {template: nag}
  - {use: score, from: {profile: profile}}
  - {id: rank, use: rank, with: {fraction: 0.3}}
  - {use: write.parquet, from: rank, with: {path: out/selected.parquet, order: rank}}
  - {use: write.jsonl, from: rank, with: {path: out/selected.jsonl}}
`,
);
for (let night = 0; night < files; night++) await writePool(night);
const startedAt = performance.now();
let runs = 0;
while (performance.now() - startedAt < Number(seconds) * 1000) {
  await writePool(files + runs);
  const config = await loadForCommand(file, []);
  const job = { id: newRunId(new Date()), config, plan: planOf(config), version: 'soak' };
  await supervise(job, quiet, new AbortController());
  runs++;
}
console.log(`${runs} runs`);
