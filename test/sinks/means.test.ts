import { Bool, Float64, Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { addMeans, createMeans, meanColumns, meanOptions, meansTable } from '../../sinks/means.js';
import { batchOf, type Column, recordBatch } from '../fixtures/engine.js';

const text = new Utf8();
const int = new Int32();
const float = new Float64();

function tableOf(
  batches: readonly Readonly<Record<string, Column>>[],
  options: readonly unknown[],
  by?: string,
): string[] {
  const means = createMeans();
  const wanted = options.map((option) => meanOptions.parse(option));
  for (const [i, columns] of batches.entries()) addMeans(means, batchOf(recordBatch(columns), i), wanted, by);
  return meansTable(means, wanted, by)
    .split('\n')
    .map((line) => line.trim().replace(/ {2,}/g, ' | '));
}

t.test('means with the standard errors of samples, in any split', async (t) => {
  // By statistics.mean and statistics.stdev(x) / sqrt(n) of Python.
  const kind = ['a', 'b', 'a', 'a', 'b', 'a'];
  const x = [1, 10, 3, 4, 10, 6];
  const expected = [
    'kind | rows | mean x',
    'a | 4 | 3.5000 ± 1.0408',
    'b | 2 | 10.0000 ± 0.0000',
    'all | 6 | 5.6667 ± 1.5202',
  ];
  for (const cuts of [[6], [1, 6], [2, 4, 6], [1, 2, 3, 4, 5, 6]]) {
    const batches = cuts.map((end, i) => ({
      kind: [text, kind.slice(cuts[i - 1] ?? 0, end)] as const,
      x: [float, x.slice(cuts[i - 1] ?? 0, end)] as const,
    }));
    t.same(tableOf(batches, ['x'], 'kind'), expected);
  }
});

t.test('weights, differences and exponentials', async (t) => {
  const batch = {
    loss: [float, [2, 4, 3]] as const,
    other: [float, [2.5, 4, 4]] as const,
    n: [int, [30, 10, 20]] as const,
  };
  // Σ n·loss / Σ n = 160 / 60. Ratio of sums (Cochran): √(3/2 · Σ n²(loss − 2.6667)²) / 60 = 0.5092
  const [header, line] = tableOf(
    [batch],
    [
      { column: 'loss', weight: 'n', title: 'loss' },
      { column: 'loss', weight: 'n', exp: true, title: 'perplexity' },
      { column: 'other', minus: 'loss' },
    ],
  );
  t.equal(header, 'rows | loss | perplexity | mean other - loss');
  t.equal(line, 'all | 3 | 2.6667 ± 0.5092 | 14.4 ± 7.3 | 0.5000 ± 0.2887');
});

t.test('flags count as 0 and 1; missing values and no numbers do not count', async (t) => {
  const batch = {
    right: [new Bool(), [true, false, null, true]] as const,
    x: [float, [Number.NaN, 5, null, null]] as const,
    none: [float, [null, null, null, null]] as const,
  };
  t.same(tableOf([batch], ['right', 'x', 'none'])[1], 'all | 4 | 0.6667 ± 0.3333 | 5.0000 | -');
});

t.test('large values lose no digits of their error', async (t) => {
  const x = [1, 2, 3].map((value) => 1e9 + value);
  const group = ['a', 'b', 'a'];
  t.match(tableOf([{ g: [text, group], x: [float, x] }], ['x'], 'g').at(-1), '1000000002.0000 ± 0.5774');
});

t.test('columns that are needed, that are missing, or that hold no numbers', async (t) => {
  t.same(meanColumns(['a', { column: 'b', minus: 'c', weight: 'd', exp: false }]), ['a', 'b', 'c', 'd']);
  t.throws(() => tableOf([{ x: [text, ['a']] }], ['x']), { message: /column "x" has no numbers but Utf8/ });
  t.throws(() => tableOf([{ x: [text, ['a']] }], ['y']), { message: /no column "y" \(columns: x\)/ });
  t.same(tableOf([], ['x']), ['rows | mean x']);
});
