/**
 * Documents scored a second of one core's time, beside NumPy on the same features, for one target and for six in one
 * pass: 28 layers × 20 neurons, drawn evenly of each width, which is harder on the caches than what models give. Rounds
 * are interleaved, medians count, and both must give the same bits.
 *
 *   npm run bench:scoring      a minute; without python3 and NumPy only the speeds of this project
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomIntegers } from '../test/transforms/nag/random.js';
import { distancesTo } from '../transforms/nag/similarity.js';
import { median } from './performance/median.js';
import { PythonServer, pythonLacks } from './performance/python.js';

/** A figure: what was measured, and where there is something to compare with, how many times that it is. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly ratio?: number;
}

const rows = 8192;
const shape = { layers: 28, k: 20 };
const widths = [3072, 6144];
const targets = [1, 6];
const rounds = 7;
/** As batches come from a store. */
const batchRows = 4096;

/** Two figures for each width and number of targets, `ratio` being to NumPy's speed; one where there is no NumPy. */
export async function scoring(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const width of widths) figures.push(...(await scoringOf(width)));
  return figures;
}

async function scoringOf(width: number): Promise<Figure[]> {
  const { features, weights } = material(width);
  const folder = await mkdtemp(join(tmpdir(), 'nag-scoring-'));
  await writeFile(join(folder, 'features.bin'), features);
  for (const own of weights) await writeFile(join(folder, 'weights.bin'), own, { flag: 'a' });
  const sizes = [rows, shape.layers, shape.k, width, Math.max(...targets)].map(String);
  const numpy = (await pythonLacks('numpy')) ? undefined : new PythonServer('scoring.py', folder, ...sizes);
  try {
    const figures: Figure[] = [];
    for (const count of targets) {
      const own: number[] = [];
      const reference: number[] = [];
      const out = weights.slice(0, count).map(() => new Float64Array(rows));
      const run = ownRun(features, weights.slice(0, count), width, out);
      run();
      for (let round = 0; round < rounds; round++) {
        own.push(rows / cpuSeconds(run));
        if (numpy) reference.push(rows / (await numpy.ask<number>(count)));
      }
      if (numpy) await requireSame(out, folder);
      const what = `${count === 1 ? 'one target' : `${count} targets`}, width ${width}`;
      figures.push(...figuresOf(what, own, reference));
    }
    return figures;
  } finally {
    numpy?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function figuresOf(what: string, own: number[], reference: number[]): Figure[] {
  const unit = 'documents/s a core';
  const value = median(own);
  if (reference.length === 0) return [{ what: `score ${what}`, value, unit }];
  return [
    { what: `score ${what}`, value, unit, ratio: median(own.map((speed, i) => speed / reference[i]!)) },
    { what: `NumPy ${what}`, value: median(reference), unit },
  ];
}

function material(width: number) {
  const random = randomIntegers(width);
  return {
    features: Uint16Array.from({ length: rows * shape.layers * shape.k }, () => random(width)),
    weights: Array.from({ length: Math.max(...targets) }, () =>
      Float64Array.from({ length: shape.layers * width }, () => 1 / (random(99991) + 3)),
    ),
  };
}

function ownRun(features: Uint16Array, weights: Float64Array[], width: number, out: Float64Array[]) {
  const distances = distancesTo({ ...shape, width }, weights);
  const size = shape.layers * shape.k;
  return () => {
    for (let first = 0; first < rows; first += batchRows) {
      const part = features.subarray(first * size, (first + batchRows) * size);
      distances(
        part,
        batchRows,
        out.map((own) => own.subarray(first, first + batchRows)),
      );
    }
  };
}

async function requireSame(out: readonly Float64Array[], folder: string): Promise<void> {
  const expected = await readFile(join(folder, 'distances.bin'));
  const found = Buffer.concat(out.map((own) => new Uint8Array(own.buffer)));
  if (!found.equals(expected)) throw new Error('the distances are not those of NumPy');
}

/** CPU time and not time that has passed: other processes then slow it down less. */
function cpuSeconds(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const figures = await scoring();
  for (const { what, value, unit, ratio } of figures) {
    const times = ratio === undefined ? '' : `${ratio.toFixed(1)} times NumPy`;
    console.log(`${what.padEnd(28)} ${String(Math.round(value)).padStart(9)} ${unit}  ${times}`);
  }
}
