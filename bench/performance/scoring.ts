import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomIntegers } from '../../test/transforms/nag/random.js';
import { distancesTo } from '../../transforms/nag/similarity.js';
import { median } from './median.js';
import { atLeast, type Figure, type Part } from './part.js';
import { PythonServer, pythonLacks } from './python.js';

const rows = 8192;
const shape = { layers: 28, k: 20 };
const widths = [3072, 6144];
const targets = [1, 6];
/** As batches come from a store. */
const batchRows = 4096;

/** Documents scored a second of one core's time, beside NumPy on the same features: both must give the same bits. */
export const scoring: Part = async ({ folder, quick }) => {
  const noNumpy = await pythonLacks('numpy');
  const figures: Figure[] = [];
  for (const width of widths) figures.push(...(await scoringOf(width, folder, quick ? 3 : 15, !noNumpy)));
  return {
    part: 'scoring',
    title: 'Scoring',
    how: `${rows.toLocaleString('en-US')} documents of ${shape.layers} × ${shape.k} neurons, drawn evenly of each width, which is harder on the caches than what models give; seconds of one core's processor time, ${quick ? 3 : 15} rounds in turns; the distances are NumPy's bit for bit, or the benchmark stops.`,
    figures,
    charts: [
      {
        name: 'scoring',
        title: `Scoring, width ${widths[0]}`,
        unit: 'documents/s',
        bars: figures
          .filter(({ what, unit }) => unit !== '×' && what.endsWith(`width ${widths[0]}`))
          .map(({ what, value }) => ({ label: what, value, ours: !what.startsWith('NumPy') })),
      },
    ],
    ...(noNumpy ? { leftOut: [`NumPy: ${noNumpy}`] } : {}),
  };
};

async function scoringOf(width: number, folder: string, rounds: number, compare: boolean): Promise<Figure[]> {
  const { features, weights } = material(width);
  await writeFile(join(folder, 'features.bin'), features);
  await writeFile(
    join(folder, 'weights.bin'),
    Buffer.concat(weights.map(({ buffer }) => new Uint8Array(buffer))),
  );
  const sizes = [rows, shape.layers, shape.k, width, Math.max(...targets)].map(String);
  const numpy = compare ? new PythonServer('scoring.py', folder, ...sizes) : undefined;
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
      figures.push(...figuresOf(what, count, own, reference));
    }
    return figures;
  } finally {
    numpy?.close();
  }
}

function figuresOf(what: string, targets: number, own: number[], reference: number[]): Figure[] {
  const unit = 'documents/s';
  const mine = {
    what,
    value: median(own),
    unit,
    aim: atLeast(targets === 1 ? 1_500_000 : 1_000_000),
    predicted: targets === 1 ? '3.1 million, as a prototype on another machine' : '1.7 million, likewise',
    limit:
      'two loads a neuron, of its index and of its weight: tables of 64 neurons, which lie in the first cache, gave a fifth more than those of 3,072',
  };
  if (reference.length === 0) return [mine];
  return [
    mine,
    { what: `NumPy, ${what}`, value: median(reference), unit },
    {
      what: `… compared, ${what}`,
      value: median(own.map((speed, i) => speed / reference[i]!)),
      unit: '×',
      predicted: '10 to 20',
    },
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
