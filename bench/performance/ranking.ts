import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../test/fixtures/paths.js';
import { runPipeline } from './commands.js';
import { made, writeDocuments } from './made-features.js';
import { median } from './median.js';
import { atLeast, type Figure, type Part } from './part.js';
import { pythonLacks, runPython } from './python.js';

const fraction = 0.05;
const targets = 500;

/** From stored features to the selected documents: beside the reference's way in pandas, and DuckDB. */
export const ranking: Part = async ({ folder, quick, say }) => {
  const documents = quick ? 10_000 : 100_000;
  const rounds = quick ? 1 : 3;
  const at = (name: string) => join(folder, name);
  await writeDocuments(at('targets.parquet'), 10 ** 8, targets, { text: 500 });
  await writeDocuments(at('documents.parquet'), 0, documents, { text: 500, tokens: true });
  say('features are made');
  await runPipeline(at('fill.yaml'), fill);
  const lacking = await pythonLacks('numpy', 'pandas', 'pyarrow');
  const noDuck = await pythonLacks('duckdb');
  if (!lacking) await runPython('features_as_jsonl.py', [folder]);
  const threads = availableParallelism();
  const times = { ours: [] as number[], pandas: [] as number[], duckdb: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push((await runPipeline(at('rank.yaml'), rank)).seconds);
    if (!lacking)
      times.pandas.push(await secondsOf('pandas_ranker.py', folder, fraction, made.layers, made.width));
    if (!noDuck) times.duckdb.push(await secondsOf('duckdb_ranker.py', folder, fraction, threads));
    say(
      Object.entries(times)
        .map(([name, own]) => `${name} ${own.at(-1)?.toFixed(2) ?? '-'} s`)
        .join(', '),
    );
  }
  const ours = median(times.ours);
  const figures: Figure[] = [
    { what: 'nag-pipeline: read, stored features, score, rank, write', value: ours, unit: 's' },
    { what: '… as documents a second', value: documents / ours, unit: 'documents/s' },
  ];
  const bars = [{ label: 'nag-pipeline', value: ours, ours: true }];
  if (!lacking) {
    const pandas = median(times.pandas);
    figures.push(
      { what: 'the reference’s way: JSON lines, NumPy, pandas', value: pandas, unit: 's' },
      {
        what: '… compared with nag-pipeline',
        value: median(times.pandas.map((seconds, i) => seconds / times.ours[i]!)),
        unit: '×',
        aim: atLeast(30),
        predicted: '20: parsing 560 numbers a document as JSON is most of theirs',
        limit:
          'ours: half a second of start-up, then reading the documents twice (the selected ones again), and one thread for everything but reading',
      },
      {
        what: '… selected documents that are the same, in the same order',
        value: Number(
          (await runPython('same_selection.py', [at('pandas.parquet'), at('ours.parquet')])).stdout,
        ),
        unit: '%',
        aim: atLeast(100),
        predicted: '100',
      },
    );
    bars.push({ label: 'JSON lines, NumPy, pandas', value: pandas, ours: false });
  }
  if (!noDuck) {
    const duckdb = median(times.duckdb);
    figures.push(
      { what: 'DuckDB: join, window, COPY; it is given the distances', value: duckdb, unit: 's' },
      {
        what: '… compared with nag-pipeline, which computes them',
        value: median(times.duckdb.map((seconds, i) => seconds / times.ours[i]!)),
        unit: '×',
        aim: atLeast(0.5),
        predicted: '0.3: it decodes several row groups at once, and need not touch features',
        limit: 'the same; DuckDB reads no features and scores nothing',
      },
    );
    bars.push({ label: 'DuckDB, distances given', value: duckdb, ours: false });
  }
  return {
    part: 'ranking',
    title: 'Ranking from stored features',
    how: `${documents.toLocaleString('en-US')} documents of 500 characters, their features of ${made.layers} × ${made.k} kept in a store (\`features\`), ${targets} targets, ${100 * fraction} % of the tokens; whole processes from start to end, ${rounds} rounds in turns, ${threads} threads.
The reference's way (\`bench/python/pandas_ranker.py\`): features read from JSON lines, distances with its NumPy kernel, a join and a sort in pandas. DuckDB (\`bench/python/duckdb_ranker.py\`) joins, sums tokens in a window and copies the selection to Parquet.`,
    figures,
    charts: [
      { name: 'ranking', title: `Ranking ${documents.toLocaleString('en-US')} documents`, unit: 's', bars },
    ],
    leftOut: [...(lacking ? [`pandas: ${lacking}`] : []), ...(noDuck ? [`DuckDB: ${noDuck}`] : [])],
  };
};

async function secondsOf(script: string, ...args: readonly (string | number)[]): Promise<number> {
  return (await runPython(script, args.map(String))).seconds;
}

const shape = `layers: ${made.layers}, k: ${made.k}, width: ${made.width}`;
const head = `version: 1
plugins: [${join(projectRoot, 'bench/performance/made-stage.mjs')}]
stages:`;
const targetStages = `
  - {use: read.parquet, with: {path: targets.parquet}}
  - {use: made_features, with: {${shape}, first: 100000000}}
  - {use: features, with: {dir: store}}`;
const poolStages = `
  - {use: read.parquet, with: {path: documents.parquet}}
  - {use: made_features, with: {${shape}, first: 0}}
  - {use: features, with: {dir: store}}`;

/** Fills the store, and gives the others their files. */
const fill = `${head}${targetStages}
  - {use: write.parquet, with: {path: target.parquet, columns: [docid, fwd_up_feature]}}
${targetStages}
  - {id: profile, use: profile}
${poolStages}
  - {use: score, from: {profile: profile}, with: {keep_features: true}}
  - {use: write.parquet, with: {path: features.parquet, columns: [docid, nag_distance, fwd_up_feature]}}
`;

/** Finds all features in the store. */
const rank = `${head}${targetStages}
  - {id: profile, use: profile}
${poolStages}
  - {use: score, from: {profile: profile}}
  - {use: rank, with: {fraction: ${fraction}}}
  - {use: write.parquet, with: {path: ours.parquet}}
`;
