import t from 'tap';
import { addToSums, createSums, meansOf, mergeSums } from '../../../transforms/nag/exact-sums.js';
import { allSame } from '../../fixtures/all-same.js';
import { randomIntegers } from './random.js';

/** Numbers of all sizes that float32 can hold and that matter, zeros and the smallest ones too. */
function anyNumbers(count: number, random: (n: number) => number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const [kind, mantissa] = [random(8), 1 + random(2 ** 24) / 2 ** 24];
    if (kind === 0) return 0;
    if (kind === 1) return mantissa * 2 ** -(100 + random(49));
    return mantissa * 2 ** (random(60) - 45);
  });
}

/** The exact sum in units of 2⁻¹⁴⁹, the smallest float32. */
function exactSum(values: readonly number[]): bigint {
  return values.reduce((sum, value) => sum + BigInt(value * 2 ** 100) * 2n ** 49n, 0n);
}

allSame(t, 'the sums of any split, in any order, are those of one pass, to the bit', (same) => {
  const random = randomIntegers(5);
  const [width, rows] = [7, 60];
  for (let trial = 0; trial < 50; trial++) {
    const values = anyNumbers(width * rows, random);
    const whole = createSums(width);
    addToSums(whole, values, rows);
    const parts = Array.from({ length: 1 + random(6) }, () => createSums(width));
    const order = Array.from({ length: rows }, (_, row) => row).sort(() => random(3) - 1);
    for (const row of order) addToSums(parts[random(parts.length)]!, values.subarray(row * width), 1);
    while (parts.length > 1) mergeSums(parts[random(parts.length - 1)]!, parts.pop()!);
    same(parts[0], whole, `trial ${trial}`);
    const outside = whole.low.filter((low) => !(low >= 0 && low < 2 ** -20));
    same([...outside], [], `trial ${trial}: low parts out of bounds`);
  }
});

allSame(t, 'sums of numbers from 2⁻³⁷ on are exact, and the mean is rounded once', (same) => {
  const random = randomIntegers(6);
  for (let trial = 0; trial < 50; trial++) {
    const values = Float32Array.from(
      { length: 40 },
      () => (1 + random(2 ** 23) / 2 ** 23) * 2 ** (random(50) - 37),
    );
    const sums = createSums(1);
    addToSums(sums, values, values.length);
    const found = exactSum([sums.high[0]!]) + exactSum([sums.low[0]!]);
    same(found, exactSum([...values]), `trial ${trial}`);
    same(meansOf(sums)[0], Number(found) / 2 ** 149 / values.length, `trial ${trial}: the mean`);
  }
});

t.test('what has no sum is refused', async (t) => {
  for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    t.throws(() => addToSums(createSums(2), Float32Array.of(1, 2, 3, value), 2), {
      name: 'RangeError',
      message: `row 1: expected numbers of at least 0, found ${value}`,
    });
});
