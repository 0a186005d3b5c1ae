import t from 'tap';
import { inverseFrequencies, ropeTable } from '../../../transforms/backbone/rope.js';

/** Llama 3.2's options, and its frequencies as transformers 5.23 computes them in float32. */
const llama3 = {
  theta: 500_000,
  scaling: { factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 8192 },
};
const llama3Frequencies: readonly [index: number, frequency: number][] = [
  [0, 1],
  [1, 0.8146172165870667],
  [20, 0.016560440883040428],
  [28, 0.0032114461064338684],
  [30, 0.0012905480107292533],
  [34, 9.708286233944818e-5],
  [35, 2.389053042861633e-5],
  [36, 1.9461638657958247e-5],
  [63, 7.672314694673332e-8],
];

t.test('without scaling, frequencies fall geometrically from 1', async (t) => {
  const frequencies = inverseFrequencies({ theta: 10_000, scaling: null }, 8);
  t.same(
    [...frequencies].map((frequency) => frequency.toPrecision(12)),
    [1, 0.1, 0.01, 0.001].map((frequency) => frequency.toPrecision(12)),
  );
});

t.test('llama3 scaling is that of transformers, in all three bands', async (t) => {
  const frequencies = inverseFrequencies(llama3, 128);
  t.equal(frequencies.length, 64);
  for (const [index, expected] of llama3Frequencies) {
    const found = frequencies[index] ?? Number.NaN;
    t.ok(Math.abs(found / expected - 1) < 1e-6, `frequency ${index}: ${found}, expected ${expected}`);
  }
});

t.test('the table holds cosines and sines of position × frequency', async (t) => {
  const { cosines, sines } = ropeTable({ theta: 100, scaling: null }, 4, 3);
  t.same([...cosines], [1, 1, ...[1, 0.1, 2, 0.2].map((angle) => Math.fround(Math.cos(angle)))]);
  t.same([...sines], [0, 0, ...[1, 0.1, 2, 0.2].map((angle) => Math.fround(Math.sin(angle)))]);
});
