import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int64 } from 'apache-arrow';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { writeTestParquet } from '../fixtures/parquet.js';
import { runModule, runProgram } from './process.js';
import { type Row, startRow, tried } from './row.js';
import { lastLine } from './scenario.js';
import type { PartSettings } from './settings.js';

/** What a process holds at a time. */
export interface Sample {
  /** Seconds since its start. */
  readonly at: number;
  readonly megabytes: number;
  readonly handles: number;
  readonly threads: number;
}

/** Seconds between samples; share of the time that counts as warming up. */
const [interval, warmUp] = [5, 0.2];
/** How much the second half may be above the first, and the share of the first: a sample may meet any moment of a run. */
const tolerated = { megabytes: [8, 0.03], handles: [3, 0], threads: [2, 0] } as const;

/** Documents in a file of the pool, and how many there are for each second. */
const [fileRows, rowsPerSecond] = [50_000, 4000];

/** Watches one run from outside for so many minutes (30 where none are given), over a pool for about so long. */
export async function soak(settings: PartSettings): Promise<Row[]> {
  const minutes = settings.minutes ?? 30;
  const { folder } = settings;
  await writeRun(folder, Math.ceil((minutes * 60 * rowsPerSecond) / fileRows));
  const watch = watcher();
  let stop: NodeJS.Timeout | undefined;
  const startedAt = performance.now();
  const ended = await runProgram(['run', join(folder, 'soak.yaml')], {
    onStart: (pid) => {
      watch.start(pid);
      stop = setTimeout(() => process.kill(pid, 'SIGTERM'), minutes * 60_000);
    },
  });
  clearTimeout(stop);
  watch.stop();
  // A fast machine may be through with the pool before.
  const took = Math.round((performance.now() - startedAt) / 6000) / 10;
  const fine = ended.code === 143 || ended.code === 0;
  const defect = fine ? [] : [`ends with ${ended.code}: ${lastLine(ended.stderr)}`];
  return rowsOf(`one run of ${took} min`, took, watch.samples, 1, defect);
}

/** Watches a process that runs pipelines over and over for so many minutes, 10 where none are given. */
export async function nights(settings: PartSettings): Promise<Row[]> {
  const minutes = settings.minutes ?? 10;
  await mkdir(settings.folder, { recursive: true });
  await writeModelFolder(join(settings.folder, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  const watch = watcher();
  const ended = await runModule('soak-process.js', [settings.folder, String(minutes * 60)], {
    onStart: watch.start,
  });
  watch.stop();
  const runs = Number(/(\d+) runs/.exec(ended.stdout)?.[1] ?? 0);
  const defect = ended.code === 0 ? [] : [`ends with ${ended.code}: ${lastLine(ended.stderr)}`];
  return rowsOf(`runs in one process for ${minutes} min`, minutes, watch.samples, runs, defect);
}

function watcher() {
  const samples: Sample[] = [];
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  return {
    samples,
    start: (pid: number) => {
      timer = setInterval(async () => {
        const sample = await sampleOf(pid, (performance.now() - startedAt) / 1000);
        if (sample) samples.push(sample);
      }, interval * 1000);
    },
    stop: () => clearInterval(timer),
  };
}

function rowsOf(
  title: string,
  minutes: number,
  samples: readonly Sample[],
  runs: number,
  defects: readonly string[],
): Row[] {
  return (['megabytes', 'handles', 'threads'] as const).map((what) => {
    const row = startRow(`${title}: ${what}`);
    const judged = judge(samples, what);
    tried(row, judged.text, [...(judged.flat ? [] : [`not flat: ${judged.text}`]), ...defects]);
    row.tried = runs;
    row.note = `${samples.length} samples from outside`;
    row.done();
    row.seconds = minutes * 60;
    return row;
  });
}

/** A pool of documents that all differ, and a pipeline over it. */
async function writeRun(folder: string, files: number): Promise<void> {
  await mkdir(join(folder, 'pool'), { recursive: true });
  await writeModelFolder(join(folder, 'model'), 'qwen3', { config: { num_hidden_layers: 4 } });
  await writeFile(
    join(folder, 'target.jsonl'),
    '{"docid": "t", "doc": "the rain of spain", "token_num": 4}\n',
  );
  const rows = Array.from({ length: fileRows }, (_, row) => row);
  for (let file = 0; file < files; file++)
    await writeTestParquet(
      join(folder, 'pool', `${String(file).padStart(6, '0')}.parquet`),
      {
        docid: rows.map((row) => `${file}-${row}`),
        doc: rows.map(
          (row) => `${(file * fileRows + row).toString(36)} is rain on row ${row} of file ${file}`,
        ),
        token_num: { type: new Int64(), values: rows.map((row) => BigInt(5 + (row % 30))) },
      },
      { rowGroupRows: 5000 },
    );
  const nag = `
  - {use: tokenize, with: {model: model, max_length: 32}}
  - {use: extract, with: {model: model, device: cpu, threads: 1}}
  - {use: top_k, with: {k: 4}}`;
  await writeFile(
    join(folder, 'soak.yaml'),
    `version: 1
state_dir: state
stages:
  - {use: read.jsonl, with: {path: target.jsonl}}${nag}
  - {id: profile, use: profile}
  - {use: read.parquet, with: {path: "pool/*.parquet"}}${nag}
  - {use: score, from: {profile: profile}}
  - {use: rank, with: {tokens: 1000000}}
  - {use: write.parquet, with: {path: out/selected.parquet}}
`,
  );
}

/** Whether what a process holds stays what it is, once it is warm. */
export function judge(
  samples: readonly Sample[],
  what: 'megabytes' | 'handles' | 'threads',
): { flat: boolean; text: string } {
  const end = samples.at(-1)?.at ?? 0;
  const warm = samples.filter(({ at }) => at >= end * warmUp);
  const middle = (end * (1 + warmUp)) / 2;
  const [first, second] = [warm.filter(({ at }) => at < middle), warm.filter(({ at }) => at >= middle)].map(
    (half) => median(half.map((sample) => sample[what])),
  );
  const all = samples.map((sample) => sample[what]);
  const hourly = slope(warm.map((sample) => [sample.at / 3600, sample[what]]));
  const text = `start ${all[0] ?? 0}, median ${first} then ${second}, end ${all.at(-1) ?? 0}, most ${Math.max(0, ...all)}, ${hourly.toFixed(1)} an hour`;
  const [more, share] = tolerated[what];
  const flat = first !== undefined && second !== undefined && second <= first + more + first * share;
  return { flat: flat && samples.length > 3, text };
}

async function sampleOf(pid: number, at: number): Promise<Sample | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    const [handles, threads] = [await readdir(`/proc/${pid}/fd`), await readdir(`/proc/${pid}/task`)];
    return { at, megabytes: Math.round(kilobytes / 1024), handles: handles.length, threads: threads.length };
  } catch {
    return undefined;
  }
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Of the line with the least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const above = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const below = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return below > 0 ? above / below : 0;
}
