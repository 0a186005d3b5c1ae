import { createHash } from 'node:crypto';
import t from 'tap';
import {
  addFeatures,
  createCounts,
  mergeCounts,
  type ProfileCounts,
  profileWeights,
} from '../../../transforms/nag/profile.js';
import { randomIntegers } from './random.js';

/** NumPy 2.4: width, power, start of the SHA-256 of `w = c ** power; w / w.sum()` over two layers of `counts(width)`. */
const numpy: readonly (readonly [number, number, string])[] = [
  [5, 0, '635e049f698ba866'],
  [5, 0.5, '29d8f7222d09aa8d'],
  [5, 1, 'f703e268b79ed0d4'],
  [5, 2, '06ba5053118356cd'],
  [8, 0, 'de0b737060f87f41'],
  [8, 0.5, 'f710d6b288a5e0ab'],
  [8, 1, 'd4f573973a7f9a29'],
  [8, 2, '06f820c60a0dd4f5'],
  [172, 0, 'a5215945f47f39b8'],
  [172, 0.5, '5ca127b4d2dcca7e'],
  [172, 1, '0ea2d414c7faf2a8'],
  [172, 2, '678d2bdbeb101bda'],
  [1000, 0, '48bb859202c4cfc9'],
  [1000, 0.5, 'd400c60a37e288c9'],
  [1000, 1, '0dcebc8726a3519f'],
  [1000, 2, '0b078140540b57eb'],
];

function counts(width: number): ProfileCounts {
  const random = randomIntegers(width);
  return {
    layers: 2,
    width,
    counts: Float64Array.from({ length: 2 * width }, () => random(100)),
    documents: 1,
  };
}

t.test('weights are bit-equal to NumPy', async (t) => {
  for (const [width, power, sha] of numpy) {
    const weights = profileWeights(counts(width), power);
    t.equal(createHash('sha256').update(weights).digest('hex').slice(0, 16), sha, `${width} ** ${power}`);
  }
});

t.test('counts how often each neuron occurs, layer by layer', async (t) => {
  const profile = createCounts(2, 4);
  addFeatures(profile, Uint16Array.of(0, 1, 3, 2, 0, 2, 3, 1), 2, 2);
  addFeatures(profile, Uint16Array.of(0, 3, 3, 2, 9, 9), 1, 2);
  t.equal(profile.documents, 3);
  t.strictSame([...profile.counts], [3, 1, 1, 1, 0, 1, 2, 3]);
  t.strictSame([...profileWeights(profile, 1)], [3 / 6, 1 / 6, 1 / 6, 1 / 6, 0, 1 / 6, 2 / 6, 3 / 6]);
  t.strictSame([...profileWeights(profile, 2)].slice(0, 2), [9 / 12, 1 / 12]);
  t.strictSame([...profileWeights(profile, 3)].slice(0, 2), [27 / 30, 1 / 30]);
  t.equal(profile.counts[0], 3, 'the counts stay');
});

t.test('a layer without counts stays zero', async (t) => {
  t.strictSame([...profileWeights(createCounts(2, 3), 1)], [0, 0, 0, 0, 0, 0]);
});

t.test('any split of the documents gives the same profile', async (t) => {
  const random = randomIntegers(5);
  const features = Int32Array.from({ length: 60 * 3 * 4 }, () => random(11));
  const whole = createCounts(3, 11);
  addFeatures(whole, features, 60, 4);
  for (let trial = 0; trial < 20; trial++) {
    const parts = Array.from({ length: 1 + random(5) }, () => createCounts(3, 11));
    for (let row = 0; row < 60; row++)
      addFeatures(parts[random(parts.length)]!, features.subarray(row * 12, row * 12 + 12), 1, 4);
    const merged = createCounts(3, 11);
    for (const part of parts) mergeCounts(merged, part);
    t.strictSame(merged, whole);
  }
});

t.test('refuses what does not fit, and counts nothing of it', async (t) => {
  const profile = createCounts(2, 4);
  const bad = (...indices: number[]) => addFeatures(profile, Int32Array.from(indices), 2, 2);
  t.throws(() => bad(0, 1, 2, 3, 0, 1, 2, 4), /row 1, layer 1: neuron index 4, but the layer has 4 neurons/);
  t.throws(() => bad(0, 1, 2, 3, 0, -1, 2, 3), /row 1, layer 0: neuron index -1/);
  t.throws(() => bad(0, 1, 2, 3), /features: expected 8 values, found 4/);
  t.strictSame(profile, createCounts(2, 4));
  t.throws(() => mergeCounts(profile, createCounts(2, 5)), /2 layers × 5 neurons into one of 2 × 4/);
  t.throws(() => mergeCounts(profile, createCounts(4, 2)), RangeError);
  for (const power of [-1, NaN, Infinity]) t.throws(() => profileWeights(profile, power), /power/);
  t.throws(() => createCounts(0, 4), /layers/);
  t.throws(() => createCounts(2, 1.5), /width/);
});

t.test(
  'weights of powers 1 and 2 are the same bits in a wider table, whatever width is assumed',
  async (t) => {
    const weightsOf = (width: number, power: number) => {
      const c = createCounts(1, width);
      addFeatures(
        c,
        Uint16Array.from({ length: 4000 }, (_, i) => (i * i * 7) % 997),
        100,
        40,
      );
      return [...profileWeights(c, power).subarray(0, 997)];
    };
    for (const power of [1, 2]) t.strictSame(weightsOf(65536, power), weightsOf(1000, power));
    const [wide, narrow] = [65536, 1000].map((width) => weightsOf(width, 0)[0]);
    t.same([wide, narrow], [1 / 65536, 1 / 1000], '0⁰ = 1 also for neurons that do not exist');
  },
);
