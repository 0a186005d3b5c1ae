import t from 'tap';
import { BudgetHeap } from '../../../transforms/nag/budget-heap.js';
import { createCut, cutPrefix } from '../../../transforms/nag/cut.js';
import { compareBytes, docidBytes } from '../../../transforms/nag/docid.js';
import { decodeKey, encodeKey } from '../../../transforms/nag/keys.js';
import { addFeatures, createCounts, mergeCounts, profileWeights } from '../../../transforms/nag/profile.js';
import { distancesTo } from '../../../transforms/nag/similarity.js';
import { allSame, type Same } from '../../fixtures/all-same.js';
import { decode, goldenNames, readGolden } from '../../fixtures/golden.js';

/** What test/reference/ranking.py writes. */
interface Case {
  readonly k: number;
  readonly layers: number;
  readonly width: number;
  readonly target: string;
  readonly pool: string;
  readonly docids: readonly string[];
  readonly tokens: readonly (number | null)[];
  readonly rankings: readonly Ranking[];
}

interface Ranking {
  readonly power: number;
  readonly weights: string;
  readonly distances: string;
  readonly order: readonly number[];
  readonly total_tokens: number;
  readonly selections: readonly {
    readonly budget: number;
    readonly rows: number;
    readonly single: boolean;
  }[];
}

const names = goldenNames('ranking', 'k');
t.equal(names.length, 12, 'every case is there');

for (const name of names) {
  const golden = readGolden<Case>('ranking', name);
  for (const ranking of golden.rankings) {
    const { k, width } = golden;
    t.test(`K = ${k} of ${width}, power ${ranking.power}: as NumPy and pandas rank`, async (t) => {
      const expected = decode.float64(ranking.distances);
      const weights = profileWeights(targetCounts(golden), ranking.power);
      t.equal(firstDifference(weights, decode.float64(ranking.weights)), -1, 'every weight is bit-equal');

      const found = distancesInBatches(golden, weights, 37);
      t.equal(firstDifference(found, expected), -1, 'every distance is bit-equal');

      allSame(t, 'what each budget selects', (same) => checkHeaps(same, golden, ranking, found));
      await allSame(t, 'over sorted keys', (same) => checkSortedKeys(same, golden, ranking, found));
    });
  }
}

/** In two parts, merged. */
function targetCounts({ target, layers, width, k }: Case) {
  const features = decode.uint16(target);
  const rows = features.length / (layers * k);
  const half = Math.floor(rows / 2);
  const [whole, part] = [createCounts(layers, width), createCounts(layers, width)];
  addFeatures(whole, features, half, k);
  addFeatures(part, features.slice(half * layers * k), rows - half, k);
  mergeCounts(whole, part);
  return whole;
}

function distancesInBatches({ pool, layers, width, k }: Case, weights: Float64Array, batch: number) {
  const features = decode.uint16(pool);
  const rows = features.length / (layers * k);
  const all = new Float64Array(rows);
  const distances = distancesTo({ layers, k, width }, [weights]);
  for (let start = 0; start < rows; start += batch) {
    const count = Math.min(batch, rows - start);
    const part = features.slice(start * layers * k, (start + count) * layers * k);
    distances(part, count, [all.subarray(start, start + count)]);
  }
  return all;
}

/** One heap for each budget; one for the largest, cut exactly afterwards; and four merged. */
function checkHeaps(same: Same, golden: Case, ranking: Ranking, distance: Float64Array): void {
  const rows = distance.length;
  const fill = (heap: BudgetHeap, start: number, step: number) => {
    for (let row = start; row < rows; row += step) {
      heap.add(distance[row]!, docidBytes(golden.docids[row]!), golden.tokens[row] ?? 0, row);
    }
    return heap;
  };
  const large = fill(new BudgetHeap(10 * ranking.total_tokens), 0, 1);
  for (const { budget, rows, single } of ranking.selections) {
    const expected = ranking.order.slice(0, rows);
    const own = fill(new BudgetHeap(budget), 0, 1).result();
    same([...own.order], expected, `budget ${budget}: ${rows} rows`);
    same(
      [...own.distance],
      expected.map((row) => distance[row]!),
      `budget ${budget}: their distances`,
    );
    same(own.single, single, `budget ${budget}: ${single ? 'nothing fits' : 'it fits'}`);
    same([...large.result(budget).order], expected, `budget ${budget}, known at the end`);
    const merged = fill(new BudgetHeap(budget), 0, 4);
    for (const part of [3, 1, 2]) merged.merge(fill(new BudgetHeap(budget), part, 4));
    same([...merged.result().order], expected, `budget ${budget}, of four parts`);
  }
}

/** The way over sorted keys, as on disk. */
async function checkSortedKeys(same: Same, golden: Case, ranking: Ranking, distance: Float64Array) {
  const keys = golden.docids.map((docid, row) =>
    encodeKey(distance[row]!, docidBytes(docid), golden.tokens[row] ?? 0, row),
  );
  const ranked = keys.sort(compareBytes).map(decodeKey);
  same(
    ranked.map((key) => key.order),
    ranking.order,
    'sorted keys are in rank order',
  );
  for (const { budget, rows, single } of ranking.selections) {
    const cut = createCut(budget);
    const taken: number[] = [];
    for await (const key of cutPrefix(ranked, cut)) taken.push(key.order);
    same(taken, ranking.order.slice(0, rows), `budget ${budget}, from sorted keys`);
    same(cut.single, single, `budget ${budget}, from sorted keys: ${single ? 'nothing fits' : 'it fits'}`);
  }
}

/** Index of the first element that is not the same bits, -1 where there is none. */
function firstDifference(found: Float64Array, expected: Float64Array): number {
  if (found.length !== expected.length) return Math.min(found.length, expected.length);
  return found.findIndex((value, i) => !Object.is(value, expected[i]));
}
