import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int32, Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { loadForCommand } from '../../../pipeline/cli/load.js';
import { makePlan } from '../../../pipeline/plan.js';
import { runPlan } from '../../../pipeline/run.js';
import { decode, readGolden } from '../../fixtures/golden.js';
import { readColumns, writeTestParquet } from '../../fixtures/parquet.js';

interface PoolRow {
  readonly docid: string;
  readonly token_num: number | null;
}

/** See test/reference/joined.py. */
interface Case {
  readonly layers: number;
  readonly target_features: readonly object[];
  readonly target: readonly object[];
  readonly pool_features: readonly (readonly object[])[];
  readonly pool: readonly (readonly PoolRow[])[];
  readonly selections: readonly {
    readonly fraction: number;
    readonly power: number;
    readonly docids: readonly string[];
    readonly places: readonly number[];
    readonly distances: string;
  }[];
}

async function folderOf(t: Test, golden: Case): Promise<string> {
  const dir = t.testdir();
  await mkdir(join(dir, 'features'));
  await writeLines(join(dir, 'target-features.jsonl'), golden.target_features);
  await writeLines(join(dir, 'target.jsonl'), golden.target);
  for (const [i, shard] of golden.pool_features.entries())
    await writeLines(join(dir, 'features', `${i}.jsonl`), shard);
  let place = 0;
  for (const [i, rows] of golden.pool.entries())
    await writeTestParquet(join(dir, `pool-${i}.parquet`), {
      docid: { type: new Utf8(), values: rows.map(({ docid }) => docid) },
      token_num: { type: new Int32(), values: rows.map(({ token_num }) => token_num) },
      place: { type: new Int32(), values: rows.map(() => place++) },
    });
  return dir;
}

async function writeLines(path: string, rows: readonly object[]): Promise<void> {
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

const configText = (
  layers: number,
  allow: string,
  { fraction, power }: Case['selections'][number],
) => `version: 1
stages:
  - {id: target_features, use: read.features, with: {path: target-features.jsonl, layers: ${layers}}}
  - {id: target, use: read.jsonl, with: {path: target.jsonl, where: {dataset: wanted}}}
  - {use: join, from: {main: target, features: target_features}, with: {allow: [unmatched]}}
  - {id: profile, use: profile, with: {power: ${power}}}
  - {id: features, use: read.features, with: {path: "features/*.jsonl", layers: ${layers}}}
  - {id: pool, use: read.parquet, with: {path: "pool-*.parquet"}}
  - {use: join, from: {main: pool, features: features}, with: {allow: ${allow}, memory_mb: 0.001}}
  - {use: score, from: {profile: profile}}
  - {use: rank, with: {fraction: ${fraction}}}
  - {use: write.parquet, with: {path: out.parquet}}
`;

for (const name of ['clean', 'messy']) {
  t.test(`feature files joined with documents rank as pandas ranks them: ${name}`, async (t) => {
    const golden = readGolden<Case>('joined', name);
    const dir = await folderOf(t, golden);
    const file = join(dir, 'pipeline.yaml');
    for (const expected of golden.selections) {
      await writeFile(
        file,
        configText(golden.layers, name === 'messy' ? '[unmatched, duplicates]' : '[]', expected),
      );
      const { stages } = await loadForCommand(file, []);
      await runPlan(makePlan(stages), { signal: new AbortController().signal, tempDir: dir });
      const found = await readColumns(join(dir, 'out.parquet'));
      const title = `fraction ${expected.fraction}, power ${expected.power}`;
      t.strictSame(found['place'], expected.places, title);
      t.strictSame(found['docid'], expected.docids);
      t.strictSame(found['nag_distance'], [...decode.float64(expected.distances)]);
    }
  });
}
