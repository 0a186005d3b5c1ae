import { createHash } from 'node:crypto';
import t from 'tap';
import { distances } from '../../../transforms/nag/similarity.js';
import { randomIntegers } from './random.js';

const [rows, layers, width] = [40, 3, 50];

/**
 * NumPy 2.4: k, the first row's distance, and the start of the SHA-256 of all 40 float64 distances of
 * `s = 0; for l: s += w[l][f[:, l]].sum(axis=1); 1 - s / layers`, over the material of `material(k)`.
 */
const numpy: readonly (readonly [number, number, string])[] = [
  [1, 0.08217007835416723, '417f0572d7998aa6'],
  [2, -0.09144912763064617, 'c9b888606628dd70'],
  [7, -7.425259349665518, '3c744005d87c3ef0'],
  [8, -0.597317738107499, 'c877bb8f23c81816'],
  [9, -2.2465710160096073, '4a8a235613988fcc'],
  [15, -20.58593216907451, '1abb7c46e21dbf13'],
  [16, -10.61423258630491, 'f37cac5f866dcee9'],
  [17, -10.432014766753198, 'f052f711933adabd'],
  [20, -10.917677851591053, 'ff90a0c60965e391'],
  [30, -16.944343544762273, '6668e3d8ceae72b0'],
  [31, -20.895684203727303, 'e041ed402dc99ad0'],
  [127, -82.29132285120959, 'aeea1e172c151bac'],
  [128, -81.76555716071529, 'f1ff3182e47c9494'],
  [129, -52.50248823680712, '706e8579d5b9e6b6'],
  [136, -67.7989128219727, 'f48c58f785c5f679'],
  [137, -84.96445324266982, 'd9fe1431e24238e4'],
  [200, -115.16589822646417, '53a8b066a81dc0b3'],
  [256, -111.75861450065679, '87fcb1f686d78e42'],
  [257, -123.9367862810728, '9fe013cab426fbb2'],
  [300, -134.9681806519325, 'f3d5fc04ad39a62b'],
  [1000, -492.7620574339583, '77f9f2d351f0bf5a'],
];

function material(k: number): { weights: Float64Array; features: Uint16Array } {
  const random = randomIntegers(k);
  return {
    weights: Float64Array.from({ length: layers * width }, () => 100 / (random(997) + 3)),
    features: Uint16Array.from({ length: rows * layers * k }, () => random(width)),
  };
}

function hash(values: Float64Array): string {
  return createHash('sha256').update(values).digest('hex').slice(0, 16);
}

t.test('bit-equal to NumPy for every way it sums', async (t) => {
  for (const [k, first, sha] of numpy) {
    const { weights, features } = material(k);
    for (const indices of [features, Int32Array.from(features), Uint32Array.from(features)]) {
      const out = new Float64Array(rows);
      distances(indices, rows, layers, k, width, weights, out);
      t.equal(out[0], first, `k = ${k}`);
      t.equal(hash(out), sha, `k = ${k}, all rows`);
    }
  }
});

t.test("the material tells NumPy's order from the plain one", async (t) => {
  const { weights, features } = material(20);
  const plain = Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < layers * 20; i++) {
      const layer = Math.floor(i / 20);
      sum += weights[layer * width + features[row * layers * 20 + i]!]!;
    }
    return 1 - sum / layers;
  });
  t.not(hash(plain), numpy.find(([k]) => k === 20)?.[2]);
});

t.test('a row does not depend on its batch', async (t) => {
  const { weights, features } = material(20);
  const whole = new Float64Array(rows);
  distances(features, rows, layers, 20, width, weights, whole);
  for (let row = 0; row < rows; row++) {
    const alone = new Float64Array(1);
    distances(features.subarray(row * layers * 20), 1, layers, 20, width, weights, alone);
    t.equal(alone[0], whole[row]);
  }
});

t.test('an index outside the table counts 0, and does not reach into the next layer', async (t) => {
  for (const k of [2, 8, 20, 130]) {
    const weights = new Float64Array(2 * 4).fill(1);
    const features = new Int32Array(2 * k).fill(1);
    const outside = [4, -1, 2 ** 31 - 1, -(2 ** 31)];
    for (let i = 0; i < k; i++) features[i] = outside[i % 4]!;
    const out = new Float64Array(1);
    distances(features, 1, 2, k, 4, weights, out);
    t.equal(out[0], 1 - k / 2, `k = ${k}: only the second layer counts`);
  }
});

t.test('nor does one beyond the width reach what pads the table', async (t) => {
  for (const [width, rows] of [
    [5, 1],
    [5, 40],
    [1, 3],
    [1000, 1],
  ] as const) {
    const k = 9;
    const features = Uint32Array.from(
      { length: rows * 2 * k },
      (_, i) => [0, width, width + 1, 2 ** 32 - 1][i % 4]!,
    );
    const out = new Float64Array(rows);
    distances(features, rows, 2, k, width, new Float64Array(2 * width).fill(1), out);
    const hits = (row: number) =>
      features.subarray(row * 2 * k, (row + 1) * 2 * k).filter((x) => x === 0).length;
    t.strictSame(
      [...out],
      Array.from({ length: rows }, (_, row) => 1 - hits(row) / 2),
      `width ${width}`,
    );
  }
});

t.test("a document with the target's own neurons is at distance 0", async (t) => {
  const out = new Float64Array(2);
  distances(
    Uint16Array.of(0, 1, 2, 0, 2, 3, 3, 2),
    2,
    2,
    2,
    4,
    Float64Array.of(0.5, 0.5, 0, 0, 0.5, 0, 0.5, 0),
    out,
  );
  t.strictSame([...out], [0, 0.75]);
});

t.test('checks its shapes', async (t) => {
  const call = (features: number, weights: number, out: number) => () =>
    distances(new Uint16Array(features), 2, 3, 4, 5, new Float64Array(weights), new Float64Array(out));
  call(24, 15, 2)();
  t.throws(call(23, 15, 2), /features: expected 2 × 3 × 4 values, found 23/);
  t.throws(call(24, 14, 2), /weights/);
  t.throws(call(24, 15, 1), /out/);
});
