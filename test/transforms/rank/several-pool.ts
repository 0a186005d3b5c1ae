import { Float64, makeData } from 'apache-arrow';
import { type Batch, inputOrder, keepRows, withColumn } from '../../../pipeline/batch.js';
import { rank } from '../../../transforms/rank.js';
import { targetKey } from '../../../transforms/score.js';
import { combineContext, combineSplit, startCombine } from '../../fixtures/combine.js';
import { batchOf, cells } from '../../fixtures/engine.js';
import { batchesOf, type PoolOptions, pool, type Row, select, tokensOf } from './pool.js';

const options: PoolOptions = { rows: 300, kind: 'text', tokens: 'float', seed: 17 };
export const rows = pool(options);
export const targets = ['near', 'far', 'é 😀'];

/** Another distance for each target, with many ties. */
export function distanceOf(row: Row, target: number): number {
  return target === 0 ? row.distance : ((row.order * (target + 3)) % 11) / 11;
}

/** Some rows have no quality. */
export function qualityOf({ order }: Row): number | null {
  return order % 7 === 0 ? null : order % 11 === 0 ? Number.NaN : ((order * 5) % 13) / 2;
}

/** The pool as it comes from its source, and as it reaches rank. */
export const read = batchesOf(rows, options, [1, 20, 6]).flatMap((batches, ordinal) => {
  let first = 0;
  return batches.map((columns) => {
    const batch = batchOf(columns, ordinal, first);
    first += columns.numRows;
    return batch;
  });
});

export function float(
  batch: Batch,
  name: string,
  data: Float64Array,
  metadata = new Map<string, string>(),
): Batch {
  return withColumn(batch, name, makeData({ type: new Float64(), data, nullCount: 0 }), { metadata });
}

/** What score adds; and a computed column, from which rank must find the same rows again. */
export function scored(batch: Batch, names: readonly string[] = targets): Batch {
  const own = (cells([batch], 'order') as number[]).map((order) => rows[order]!);
  const qualities = Float64Array.from(own, (row) => qualityOf(row) ?? Number.NaN);
  return names.reduce(
    (out, name, target) =>
      float(
        out,
        `nag_distance_${name}`,
        Float64Array.from(own, (row) => distanceOf(row, target)),
        new Map([[targetKey, name]]),
      ),
    float(batch, 'quality', qualities),
  );
}

export const arriving = read.map((batch) => scored(batch));

export async function* reread(orders: Float64Array): AsyncGenerator<Batch> {
  const wanted = new Set(orders);
  for (const batch of read) {
    const positions = Uint32Array.from(batch.rows.keys()).filter((row) => wanted.has(inputOrder(batch, row)));
    if (positions.length > 0) yield keepRows(batch, positions);
  }
}

interface Ranked {
  readonly batches: readonly Batch[];
  readonly context: ReturnType<typeof combineContext>;
}

export async function ranked(
  settings: Record<string, unknown>,
  dir: string,
  input: readonly Batch[] = arriving,
  parts = 1,
  random: (n: number) => number = () => 0,
): Promise<Ranked> {
  const context = combineContext(dir, reread);
  const accumulator = await startCombine<AsyncIterable<Batch>>(rank, settings, context);
  const batches: Batch[] = [];
  try {
    for await (const batch of await combineSplit(accumulator, input, parts, random)) batches.push(batch);
  } finally {
    await accumulator.close?.();
  }
  return { batches, context };
}

/** Where each chosen row comes from and for which target, by rank. */
export function byRank({ batches }: Ranked): string[] {
  const [orders, names, ranks] = ['order', 'target', 'nag_rank'].map((name) => cells(batches, name));
  const out: string[] = [];
  for (const [row, place] of ranks!.entries()) out[place as number] = `${orders![row]} ${names![row]}`;
  return out;
}

/** As NAG.md §5 and §6 word it, on whole arrays. */
export function expected(settings: {
  fraction?: number;
  tokens?: number;
  shares?: Record<string, number>;
  quality?: { invert?: boolean };
  deduplicate?: boolean;
}): string[] {
  const chosen = targets.flatMap((name, target) => {
    const share = settings.shares?.[name];
    const part = (whole: number) => (share === undefined ? whole / targets.length : whole * share);
    const there = rows.filter((row) => !settings.quality || Number.isFinite(qualityOf(row) ?? Number.NaN));
    const total = there.reduce((sum, row) => sum + tokensOf(row), 0);
    const { fraction, tokens } = settings;
    const budget = Math.trunc(fraction === undefined ? part(tokens!) : total * part(fraction));
    const [d, q] = [
      scaler(there.map((row) => distanceOf(row, target))),
      scaler(there.map((row) => qualityOf(row)!)),
    ];
    const scores = there.map((row) => {
      if (!settings.quality) return { ...row, distance: distanceOf(row, target) };
      const quality = q(qualityOf(row)!);
      return {
        ...row,
        distance: d(distanceOf(row, target)) + (settings.quality.invert ? 1 - quality : quality),
      };
    });
    return select(scores, { tokens: budget }).map((row) => ({ row, name }));
  });
  const kept = chosen.filter(
    ({ row }, i) => !settings.deduplicate || chosen.findIndex((other) => other.row.docid === row.docid) === i,
  );
  return kept.map(({ row, name }) => `${row.order} ${name}`);
}

function scaler(values: readonly number[]): (value: number) => number {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return (value) => (max === min ? 0 : (value - min) / (max - min));
}
