import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { runModule } from './process.js';
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

/** Runs pipelines in one process, over and over, for so many minutes (30 where none are given), and watches it from outside. */
export async function soak(settings: PartSettings): Promise<Row[]> {
  const minutes = settings.minutes ?? 30;
  await mkdir(settings.folder, { recursive: true });
  await writeModelFolder(join(settings.folder, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  const samples: Sample[] = [];
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const ended = await runModule('soak-process.js', [settings.folder, String(minutes * 60)], {
    onStart: (pid) => {
      timer = setInterval(async () => {
        const sample = await sampleOf(pid, (performance.now() - startedAt) / 1000);
        if (sample) samples.push(sample);
      }, interval * 1000);
    },
  });
  clearInterval(timer);
  const runs = Number(/(\d+) runs/.exec(ended.stdout)?.[1] ?? 0);
  return (['megabytes', 'handles', 'threads'] as const).map((what) => {
    const row = startRow(`a soak of ${minutes} min: ${what}`);
    const judged = judge(samples, what);
    const defects = judged.flat ? [] : [`not flat: ${judged.text}`];
    if (ended.code !== 0) defects.push(`ends with ${ended.code}: ${lastLine(ended.stderr)}`);
    tried(row, judged.text, defects);
    row.tried = runs;
    row.note = `runs in one process; ${samples.length} samples from outside`;
    row.done();
    row.seconds = minutes * 60;
    return row;
  });
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
