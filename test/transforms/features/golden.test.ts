import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { main } from '../../../pipeline/cli/main.js';
import { allSame } from '../../fixtures/all-same.js';
import { decode, goldenDir, readGolden } from '../../fixtures/golden.js';

interface Expected {
  readonly layers: number;
  readonly fraction: number;
  readonly cases: readonly {
    readonly keep: string;
    readonly power: number;
    readonly distances: string;
    readonly selected: readonly string[];
  }[];
}

interface Row {
  readonly docid: string;
  readonly nag_distance: number;
}

const { layers, fraction, cases } = readGolden<Expected>('features', 'expected');
const golden = goldenDir('features');
const pools = ['pool-[12].jsonl', 'pool-struct.parquet', 'pool-list.parquet', 'pool-large.parquet'];

/** A pipeline without a model, from feature files to a selection. */
function pipelineText(pool: string, keep: string, power: number): string {
  const some = keep === 'all' ? '' : `  - {use: layers, with: {keep: ${keep}}}\n`;
  return `version: 1
stages:
  - {use: read.features, with: {path: ${join(golden, 'target.jsonl')}, layers: ${layers}}}
${some}  - {id: profile, use: profile, with: {power: ${power}}}
  - {use: read.features, with: {path: "${join(golden, pool)}", layers: ${layers}}}
${some}  - {id: scored, use: score, from: {profile: profile}}
  - {use: write.jsonl, with: {path: scored.jsonl}}
  - {use: rank, from: scored, with: {fraction: ${fraction}}}
  - {use: write.jsonl, with: {path: selected.jsonl}}
`;
}

async function rowsOf<T>(file: string): Promise<T[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line): T => JSON.parse(line));
}

for (const pool of pools) {
  t.test(`${pool}: distances bit for bit and selections id for id as by NumPy and pandas`, async (t) => {
    await allSame(t, 'distances and selections', async (same) => {
      for (const { keep, power, distances, selected } of cases) {
        const dir = t.testdir({ 'pipeline.yaml': pipelineText(pool, keep, power) });
        await main(['run', join(dir, 'pipeline.yaml')], 'test');
        const name = `layers ${keep}, power ${power}`;
        const scored = await rowsOf<Row>(join(dir, 'scored.jsonl'));
        same(
          scored.map((row) => row.nag_distance),
          [...decode.float64(distances)],
          `${name}: distances`,
        );
        const chosen = await rowsOf<Row>(join(dir, 'selected.jsonl'));
        same(
          chosen.map((row) => row.docid),
          selected,
          `${name}: docids`,
        );
        const columns = ['docid', 'token_num', 'nag_distance', 'nag_rank'];
        same(Object.keys(chosen[0]!), columns, `${name}: columns`);
      }
    });
  });
}

t.test('shards of the reference, read and written again, are the same', async (t) => {
  const dir = t.testdir();
  const config = `version: 1
stages:
  - {use: read.features, with: {path: "${golden}/pool-[12].jsonl", layers: ${layers}}}
  - {use: write.jsonl, with: {path: out, shards: input, columns: [docid, token_num, fwd_up_feature]}}
`;
  await writeFile(join(dir, 'pipeline.yaml'), config);
  await main(['run', join(dir, 'pipeline.yaml')], 'test');
  for (const name of ['pool-1.jsonl', 'pool-2.jsonl'])
    t.strictSame(await rowsOf(join(dir, 'out', name)), await rowsOf(join(golden, name)), name);
});
