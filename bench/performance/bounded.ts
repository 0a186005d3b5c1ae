import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runPipeline, type Took } from './commands.js';
import { made, writeDocuments } from './made-features.js';
import { atMost, type Figure, type Part } from './part.js';

const targets = 500;
/** Of the largest pool. */
const selectedShare = 0.02;

/** Time and memory of ranking pools of different sizes, and of a selection larger than the memory it may take. */
export const bounded: Part = async ({ folder, quick, say }) => {
  const perFile = quick ? 10_000 : 100_000;
  const sizes = [1, 10, 100].map((files) => files * perFile);
  await writeDocuments(join(folder, 'target.parquet'), 10 ** 9, targets, { features: true });
  const took = new Map<number, Took>();
  let written = 0;
  for (const size of sizes) {
    for (; written < size; written += perFile) {
      await writeDocuments(join(folder, fileName(written / perFile)), written, perFile, {
        features: true,
        tokens: true,
      });
    }
    // A first run reads the files into the system's memory, where they fit.
    if (size < 2e6) await rank(folder, size / perFile, 1024);
    took.set(size, await rank(folder, size / perFile, 1024));
    say(
      `${size} documents: ${took.get(size)!.seconds.toFixed(1)} s, ${(took.get(size)!.peakBytes / 1e6).toFixed(0)} MB`,
    );
  }
  const spilled = await rank(folder, 100, 1);
  say(
    `with 1 MB for the selection: ${spilled.seconds.toFixed(1)} s, ${(spilled.peakBytes / 1e6).toFixed(0)} MB`,
  );
  await rm(join(folder, 'pool'), { recursive: true });
  const [least, middle, most] = sizes as [number, number, number];
  const peak = (size: number) => took.get(size)!.peakBytes;
  // Documents have about as many tokens each, so that the share of the tokens is that of the documents.
  const selected = selectedShare * (most - middle);
  const marginal = (took.get(most)!.seconds - took.get(middle)!.seconds) / (most - middle);
  const early = (took.get(middle)!.seconds - took.get(least)!.seconds) / (middle - least);
  const figures: Figure[] = [
    ...sizes.flatMap((size) => [
      { what: `${size.toLocaleString('en-US')} documents`, value: took.get(size)!.seconds, unit: 's' },
      { what: '… peak memory', value: peak(size) / 1e6, unit: 'MB' },
    ]),
    {
      what: `peak memory of the largest pool, less 48 bytes for each further document selected, compared with the next`,
      value: (peak(most) - 48 * selected) / peak(middle),
      unit: '×',
      aim: atMost(1.2),
      predicted: '1.1: candidates of the selection are the only thing that grows',
    },
    { what: 'time a further document, from the next to the largest pool', value: 1e6 * marginal, unit: 'µs' },
    {
      what: '… compared with that from the smallest to the next',
      value: marginal / early,
      unit: '×',
      aim: atMost(1.1),
      predicted: '1.0; more where the pool is larger than the system’s memory',
    },
    { what: 'the largest pool with 1 MB for the selection (`memory_mb`)', value: spilled.seconds, unit: 's' },
    {
      what: '… peak memory, compared with the selection in memory',
      value: spilled.peakBytes / peak(most),
      unit: '×',
      aim: atMost(1),
      predicted: 'below 1: keys go to disk',
      limit:
        'the selection is a small part of it: what the threads hold that decode differs by more from run to run',
    },
  ];
  return {
    part: 'bounded',
    title: 'Bounded',
    how: `Features of ${made.layers} × ${made.k} and token counts in Parquet files of ${perFile.toLocaleString('en-US')} documents, ${targets} targets, ${100 * selectedShare} % of the tokens, docids written as JSON lines; whole processes. Pools up to a million are read once before.`,
    figures,
  };
};

const fileName = (file: number) => `pool/part-${String(file).padStart(3, '0')}.parquet`;

async function rank(folder: string, files: number, memoryMb: number): Promise<Took> {
  const names = Array.from({ length: files }, (_, file) => fileName(file));
  return await runPipeline(
    join(folder, 'rank.yaml'),
    `version: 1
stages:
  - {use: read.features, with: {path: target.parquet}}
  - {id: profile, use: profile}
  - {use: read.features, with: {path: [${names.join(', ')}]}}
  - {use: score, from: {profile: profile}}
  - {use: rank, with: {fraction: ${selectedShare}, memory_mb: ${memoryMb}}}
  - {use: write.jsonl, with: {path: selected.jsonl, columns: [docid, nag_distance]}}
`,
  );
}
