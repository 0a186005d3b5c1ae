import t from 'tap';
import { agreement, contingency } from '../../../transforms/nag/agreement.js';
import { readGolden } from '../../fixtures/golden.js';

/** What test/reference/pictures.py writes: scikit-learn's scores. */
interface Case {
  readonly name: string;
  readonly labels: readonly number[];
  readonly clusters: readonly number[];
  readonly purity: number;
  readonly nmi: number;
  readonly ari: number;
}

const { cases } = readGolden<{ cases: readonly Case[] }>('pictures', 'agreement');
t.equal(cases.length, 14, 'every case is there');

for (const { name, labels, clusters, ...expected } of cases) {
  t.test(`scikit-learn's scores: ${name}`, async (t) => {
    const found = agreement(labels, clusters);
    for (const measure of ['purity', 'nmi', 'ari'] as const)
      t.ok(
        Math.abs(found[measure] - expected[measure]) <= 1e-14,
        `${measure} ${found[measure]}, expected ${expected[measure]}`,
      );
  });
}

t.test('a table of clusters and labels', async (t) => {
  t.strictSame(contingency([0, 1, 1, 3], [1, 1, 0, 1]), [
    [0, 1, 0, 0],
    [1, 1, 0, 1],
  ]);
});
