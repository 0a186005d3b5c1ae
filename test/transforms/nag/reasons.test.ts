import t from 'tap';
import { type Reasons, reasons } from '../../../transforms/nag/reasons.js';
import { allSame, within } from '../../fixtures/all-same.js';
import { decode, readGolden } from '../../fixtures/golden.js';

/** What test/reference/reasons.py writes. */
interface Golden {
  readonly cases: readonly {
    readonly case: string;
    readonly top: number;
    readonly rows: readonly {
      readonly reasons: readonly Term[];
      readonly above_background: readonly Term[];
      readonly layers: readonly number[];
    }[];
  }[];
}

type Term = readonly [layer: number, neuron: number, weight: number];

interface Ranking {
  readonly layers: number;
  readonly width: number;
  readonly k: number;
  readonly pool: string;
  readonly rankings: readonly { readonly weights: string; readonly distances: string }[];
}

function termsOf(found: Reasons, row: number): Term[] {
  const places = Array.from(found.layer.keys()).slice(found.offsets[row], found.offsets[row + 1]);
  return places.map((at) => [found.layer[at]!, found.neuron[at]!, found.weight[at]!]);
}

for (const golden of readGolden<Golden>('reasons', 'reasons').cases) {
  allSame(t, `${golden.case}: the terms that NumPy finds`, (same) => {
    const { layers, width, k, pool, rankings } = readGolden<Ranking>('ranking', golden.case);
    const [weights, background] = rankings.map((own) => decode.float64(own.weights));
    const distances = decode.float64(rankings[0]!.distances);
    const shape = { rows: golden.rows.length, layers, k, width };
    const features = decode.uint16(pool);
    const found = reasons(features, shape, () => weights!, golden.top);
    const above = reasons(features, shape, () => weights!, golden.top, background);
    for (const [row, expected] of golden.rows.entries()) {
      same(termsOf(found, row), expected.reasons, `row ${row}`);
      same(termsOf(above, row), expected.above_background, `row ${row} above the background`);
      const shares = found.layerShares.subarray(row * layers, (row + 1) * layers);
      for (const [layer, share] of expected.layers.entries())
        same(within(1e-15, shares[layer]!, share), share, `row ${row}, layer ${layer}`);
      const sum = shares.reduce((sum, share) => sum + share, 0);
      const similarity = 1 - distances[row]!;
      same(within(1e-14, sum, similarity), similarity, `row ${row}: layers sum to the similarity`);
    }
  });
}

t.test('all terms sum to the similarity; an index outside the table and a zero are no reasons', async (t) => {
  const weights = new Float64Array([0.5, 0.5, 0, 0, 0.25, 0.75]);
  const features = new Uint16Array([0, 2, 1, 2, 0, 9, 0, 1]);
  const found = reasons(features, { rows: 2, layers: 2, k: 2, width: 3 }, () => weights, 10);
  t.strictSame(termsOf(found, 0), [
    [1, 2, 0.375],
    [0, 0, 0.25],
    [1, 1, 0.125],
  ]);
  t.strictSame(termsOf(found, 1), [
    [0, 0, 0.25],
    [1, 1, 0.125],
  ]);
  t.strictSame([...found.layerShares], [0.25, 0.5, 0.25, 0.125]);
});
