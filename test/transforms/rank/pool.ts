import { type DataType, Dictionary, Float64, Int32, Int64, makeData, Utf8 } from 'apache-arrow';
import { type Batch, keepRows, withColumn } from '../../../pipeline/batch.js';
import {
  type Column,
  cells,
  collectSink,
  mapStage,
  recordBatch,
  runStages,
  type SinkLog,
  type StageRow,
  sinkLog,
} from '../../fixtures/engine.js';
import { randomIntegers } from '../nag/random.js';

/** A document of a pool, as the reference sort sees it. */
export interface Row {
  readonly docid: string | bigint | number | null;
  readonly tokens: number | bigint | null;
  readonly distance: number;
  readonly doc: string;
  readonly keep: boolean;
  readonly order: number;
}

export type Budget = { fraction: number } | { tokens: number };

/** The selection as NAG.md §4 words it: sort everything, then take the longest prefix that fits. */
export function select(rows: readonly Row[], budget: Budget): Row[] {
  const sorted = [...rows].sort(
    (a, b) => a.distance - b.distance || compareDocids(a.docid, b.docid) || a.order - b.order,
  );
  const total = rows.reduce((sum, row) => sum + tokensOf(row), 0);
  if (total <= 0) return [];
  const limit = 'fraction' in budget ? Math.trunc(total * budget.fraction) : budget.tokens;
  const taken: Row[] = [];
  let sum = 0;
  for (const row of sorted) {
    sum += tokensOf(row);
    if (sum > limit) break;
    taken.push(row);
  }
  return taken.length > 0 ? taken : sorted.slice(0, 1);
}

export function tokensOf({ tokens }: Row): number {
  return tokens === null || Number.isNaN(tokens) ? 0 : Number(tokens);
}

export function compareDocids(a: Row['docid'], b: Row['docid']): number {
  if (a === null || b === null) return 0;
  if (typeof a !== 'string' || typeof b !== 'string')
    return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  const [left, right] = [[...a], [...b]].map((text) => text.map((char) => char.codePointAt(0)!));
  for (let i = 0; i < Math.min(left!.length, right!.length); i++)
    if (left![i] !== right![i]) return left![i]! - right![i]!;
  return left!.length - right!.length;
}

export const docidKinds: Record<
  string,
  { type: DataType; pick: (random: (n: number) => number) => Row['docid'] } | undefined
> = {
  // Astral characters sort after U+FFxx by code point and before by UTF-16; prefixes and duplicates abound.
  text: {
    type: new Utf8(),
    pick: (random) =>
      ['', 'a', 'ab', 'b', 'é', '\u{1F600}', '\u{FF5E}', '\u{FFFD}x', 'a\u0000', '\u{10FFFF}'][random(10)]! +
      ['', '1', '\u{1F600}'][random(3)]!,
  },
  dictionary: { type: new Dictionary(new Utf8(), new Int32()), pick: (random) => `id ${random(40)}` },
  int64: {
    type: new Int64(),
    pick: (random) =>
      [-(2n ** 63n), -1n, 0n, 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 53n) - 1n][random(8)]!,
  },
  int32: { type: new Int32(), pick: (random) => random(50) - 25 },
  none: undefined,
};

export interface PoolOptions {
  readonly rows: number;
  readonly kind: string;
  readonly tokens: 'float' | 'int64' | 'zero';
  readonly seed: number;
}

/** Rows full of ties. */
export function pool({ rows, kind, tokens, seed }: PoolOptions): Row[] {
  const random = randomIntegers(seed);
  const docid = docidKinds[kind];
  const count = (): Row['tokens'] => {
    const value = [0, 0, 1, 3, 7, 50, 400][random(7)]!;
    if (tokens === 'zero') return random(2) === 0 ? 0 : null;
    if (tokens === 'int64') return random(9) === 0 ? null : BigInt(value);
    return random(9) === 0 ? null : random(9) === 0 ? Number.NaN : value;
  };
  return Array.from({ length: rows }, (_, order) => ({
    docid: docid ? docid.pick(random) : null,
    tokens: count(),
    distance: [0, 0.25, 0.5, 0.5 + 2 ** -53, 1, random(1000) / 1000][random(6)]!,
    doc: `text ${order} \u{1F600}`,
    keep: random(4) > 0,
    order,
  }));
}

/** The rows as bundles of batches: `sizes` are taken in turn. */
export function batchesOf(
  rows: readonly Row[],
  { kind, tokens }: Pick<PoolOptions, 'kind' | 'tokens'>,
  sizes: readonly number[],
) {
  const bundles: ReturnType<typeof recordBatch>[][] = [];
  for (let start = 0, turn = 0; start < rows.length; turn++) {
    const own = rows.slice(start, start + sizes[turn % sizes.length]!);
    start += own.length;
    const docids: Record<string, Column> = docidKinds[kind]
      ? { docid: [docidKinds[kind].type, own.map((row) => row.docid)] }
      : {};
    const batch = recordBatch({
      ...docids,
      token_num: [tokens === 'int64' ? new Int64() : new Float64(), own.map((row) => row.tokens)],
      d: [new Float64(), own.map((row) => row.distance)],
      doc: [new Utf8(), own.map((row) => row.doc)],
      keep: [new Int32(), own.map((row) => Number(row.keep))],
      order: [new Int32(), own.map((row) => row.order)],
    });
    if (turn % 3 === 0) bundles.push([batch]);
    else bundles.at(-1)!.push(batch);
  }
  return bundles;
}

/** Gives each row its distance, as `score` would. */
export const scored = mapStage(scoredBatch, {
  needs: () => ({ columns: ['d', 'order', 'keep'] }),
  mayDrop: () => false,
});

export function scoredBatch(batch: Batch): Batch {
  const data = Float64Array.from(cells([batch], 'd') as number[]);
  return withColumn(batch, 'nag_distance', makeData({ type: new Float64(), data, nullCount: 0 }));
}

export const dropped = mapStage(
  (batch) => {
    const keep = cells([batch], 'keep');
    return keepRows(
      batch,
      Uint32Array.from(batch.rows.keys()).filter((row) => keep[row] === 1),
    );
  },
  { needs: () => ({ columns: ['keep'] }) },
);

/** Makes the token counts on the way, from a column that is no token column to the source. */
export const counted = mapStage(
  (batch) => {
    const values = cells([batch], 'order').map((order) => ((order as number) % 5) * 3);
    const data = makeData({ type: new Int32(), data: Int32Array.from(values), nullCount: 0 });
    return { ...withColumn(batch, 'token_count', data), roles: { ...batch.roles, tokens: 'token_count' } };
  },
  { needs: () => ({ columns: ['order'] }), mayDrop: () => false, provides: () => ['tokens'] },
);

export async function ranked(stages: readonly StageRow[], tempDir: string): Promise<SinkLog> {
  const log = sinkLog();
  await runStages([...stages, ['out', collectSink(log)]], { tempDir });
  return log;
}

/** Places in the input of the selected rows, best first. */
export function ordersByRank({ batches }: SinkLog): number[] {
  const orders = cells(batches, 'order') as number[];
  const ranks = cells(batches, 'nag_rank') as number[];
  const out: number[] = [];
  for (const [row, place] of ranks.entries()) out[place] = orders[row]!;
  return out;
}

export function budgetsOf(rows: readonly Row[]): Budget[] {
  const total = rows.reduce((sum, row) => sum + tokensOf(row), 0);
  return [
    ...[1e-9, 0.001, 0.1, 0.37, 0.999, 1].map((fraction) => ({ fraction })),
    ...[1, 5, Math.max(1, total - 1), Math.max(1, total), total + 1000].map((tokens) => ({ tokens })),
  ];
}

export const memories = [{}, { memory_mb: 0.004 }];
