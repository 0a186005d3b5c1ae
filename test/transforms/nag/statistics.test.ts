import t from 'tap';
import { nearest } from '../../../transforms/nag/nearest.js';
import {
  ascending,
  averageRanks,
  correlation,
  deviation,
  jaccard,
  mean,
  quantile,
  smallerShare,
} from '../../../transforms/nag/statistics.js';
import { allSame, within } from '../../fixtures/all-same.js';
import { readGolden } from '../../fixtures/golden.js';

/** What test/reference/report_statistics.py writes. */
interface Golden {
  readonly stability: readonly {
    readonly values: Readonly<Record<string, readonly number[]>>;
    readonly tokens: readonly number[];
    readonly compared: readonly {
      readonly fraction: number;
      readonly by: 'count' | 'tokens';
      readonly target: string;
      readonly spearman: number;
      readonly jaccard: number;
    }[];
  }[];
  readonly groups: readonly {
    readonly values: readonly (readonly number[])[];
    readonly figures: readonly Readonly<Record<string, number>>[];
    readonly auc: number;
  }[];
}

const golden = readGolden<Golden>('statistics', 'statistics');
const floats = (values: readonly number[]) => Float64Array.from(values);

allSame(t, "Spearman as SciPy's, Jaccard as scikit-learn's", (same) => {
  for (const { values, tokens, compared } of golden.stability) {
    for (const { fraction, by, target, ...expected } of compared) {
      const [own, all] = [target, 'all'].map((name) => {
        const distances = floats(values[name]!);
        const order = ascending(distances);
        const selected = nearest(order, fraction, by === 'tokens' ? floats(tokens) : undefined);
        return { ranks: averageRanks(distances, order), selected };
      });
      const name = `${tokens.length} rows, ${target}, ${fraction} by ${by}`;
      const found = {
        spearman: within(1e-12, correlation(own!.ranks, all!.ranks), expected.spearman),
        jaccard: within(1e-12, jaccard(own!.selected, all!.selected), expected.jaccard),
      };
      same(found, expected, name);
    }
  }
});

allSame(t, "figures as NumPy's, AUC as scikit-learn's", (same) => {
  for (const { values, figures, auc } of golden.groups) {
    const sorted = values.map((own) => floats(own).sort());
    for (const [i, own] of sorted.entries()) {
      const expected = figures[i]!;
      const near = (name: string, found: number) =>
        same(within(1e-12, found, expected[name]!), expected[name], `group ${i} of AUC ${auc}: ${name}`);
      near('mean', mean(own));
      near('sd', deviation(own));
      for (const q of [5, 25, 50, 75, 95]) near(`p${q}`, quantile(own, q / 100));
    }
    const rest = floats(values.slice(1).flat()).sort();
    same(within(1e-12, smallerShare(sorted[0]!, rest), auc), auc, 'AUC');
  }
});

t.test('what cannot be said is not a number', async (t) => {
  const none = floats([]);
  for (const found of [
    mean(none),
    quantile(none, 0.5),
    deviation(floats([1])),
    smallerShare(none, floats([1])),
    smallerShare(floats([1]), none),
    correlation(floats([1, 1]), floats([1, 2])),
    correlation(none, none),
  ])
    t.ok(Number.isNaN(found));
  t.equal(jaccard(new Uint8Array(2), new Uint8Array(2)), 1);
});

t.test('the nearest: at least one, none of nothing', async (t) => {
  const order = Uint32Array.from([2, 0, 1]);
  t.strictSame([...nearest(order, 0.1, undefined)], [0, 0, 1]);
  t.strictSame([...nearest(order, 0.7, undefined)], [1, 0, 1]);
  t.strictSame([...nearest(order, 0.5, floats([9, 1, 1]))], [0, 0, 1], 'the first that does not fit ends it');
  t.strictSame([...nearest(new Uint32Array(0), 0.5, undefined)], []);
});
