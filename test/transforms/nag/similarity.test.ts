import { createHash } from 'node:crypto';
import t from 'tap';
import type { FeatureIndices } from '../../../transforms/nag/profile.js';
import { distancesTo, type FeatureShape } from '../../../transforms/nag/similarity.js';
import { allSame } from '../../fixtures/all-same.js';
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

/** Distances of `rows` documents to one target. */
function distances(
  features: FeatureIndices,
  rows: number,
  layers: number,
  k: number,
  width: number,
  weights: Float64Array,
  out: Float64Array,
): void {
  distancesTo({ layers, k, width }, [weights])(features, rows, [out]);
}

function hash(values: Float64Array): string {
  return createHash('sha256').update(values).digest('hex').slice(0, 16);
}

allSame(t, 'bit-equal to NumPy for every way it sums', (same) => {
  for (const [k, first, sha] of numpy) {
    const { weights, features } = material(k);
    for (const indices of [features, Int32Array.from(features), Uint32Array.from(features)]) {
      const out = new Float64Array(rows);
      distances(indices, rows, layers, k, width, weights, out);
      const { name } = indices.constructor;
      same(out[0], first, `k = ${k}, ${name}`);
      same(hash(out), sha, `k = ${k}, ${name}, all rows`);
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
  const alone = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const own = features.subarray(row * layers * 20);
    distances(own, 1, layers, 20, width, weights, alone.subarray(row, row + 1));
  }
  allSame(t, 'rows alone', (same) => same(alone, whole, 'row '));
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

/** NumPy's order, written plainly: few in turn, up to 128 in eight partial sums, more by halves. */
function sumAsNumPy(values: readonly number[]): number {
  const n = values.length;
  if (n > 128) {
    const half = Math.floor(n / 2);
    const first = half - (half % 8);
    return sumAsNumPy(values.slice(0, first)) + sumAsNumPy(values.slice(first));
  }
  const inTurn = (from: number, sum: number) => values.slice(from).reduce((a, b) => a + b, sum);
  if (n < 8) return inTurn(0, 0);
  const r = values.slice(0, 8);
  for (let i = 8; i < n - (n % 8); i++) r[i % 8]! += values[i]!;
  const [r0, r1, r2, r3, r4, r5, r6, r7] = r as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return inTurn(n - (n % 8), r0 + r1 + (r2 + r3) + (r4 + r5 + (r6 + r7)));
}

function plainDistance(
  features: FeatureIndices,
  row: number,
  { layers, k, width }: FeatureShape,
  weights: Float64Array,
): number {
  let sum = 0;
  for (let layer = 0; layer < layers; layer++) {
    const own = Array.from({ length: k }, (_, i) => features[(row * layers + layer) * k + i]!);
    sum += sumAsNumPy(
      own.map((index) => (index >= 0 && index < width ? weights[layer * width + index]! : 0)),
    );
  }
  return 1 - sum / layers;
}

/** Random features of which some are outside the width, and weights of very different sizes. */
function randomCase(seed: number, shape: FeatureShape, rows: number, targets: number) {
  const random = randomIntegers(seed);
  const { layers, k, width } = shape;
  const indices = Array.from({ length: rows * layers * k }, () =>
    random(20) === 0 ? width + random(70000) : random(width),
  );
  const bits16 = Uint16Array.from(indices.map((index) => Math.min(index, 65535)));
  const features = [
    bits16,
    Int32Array.from(indices, (i) => (i % 7 === 0 ? -i : i)),
    Uint32Array.from(indices),
  ];
  const weights = Array.from({ length: targets }, () =>
    Float64Array.from({ length: layers * width }, () => (random(1000) + 1) ** (random(9) - 4)),
  );
  return { features, weights };
}

allSame(
  t,
  'bit-equal to a plain sum: any k, any number of targets, 16 and 32 bits, outside the width',
  (same) => {
    const shapes: FeatureShape[] = [
      ...Array.from({ length: 60 }, (_, i) => ({
        layers: 1 + (i % 5),
        k: 1 + i * 5 + (i % 3),
        width: 10 + i * 31,
      })),
      { layers: 28, k: 20, width: 6144 },
      { layers: 2, k: 9, width: 65535 },
      { layers: 2, k: 9, width: 65536 },
      { layers: 2, k: 9, width: 65537 },
    ];
    for (const [i, shape] of shapes.entries()) {
      const rows = [0, 1, 2, 5, 33][i % 5]!;
      const targets = 1 + (i % 7);
      const { features, weights } = randomCase(i + 1, shape, rows, targets);
      const together = distancesTo(shape, weights);
      for (const indices of features) {
        const out = weights.map(() => new Float64Array(rows));
        together(indices, rows, out);
        const expected = weights.map((own) =>
          Array.from({ length: rows }, (_, row) => plainDistance(indices, row, shape, own)),
        );
        const { name } = indices.constructor;
        same(
          out.map((own) => [...own]),
          expected,
          () => `${JSON.stringify(shape)}, ${targets} targets, ${name}`,
        );
      }
    }
  },
);

t.test('the same bits with other targets, in parts and in any batch', async (t) => {
  const shape = { layers: 28, k: 20, width: 300 };
  const rows = 4001; // more than two parts of the kernel's memory
  const { features, weights } = randomCase(5, shape, rows, 6);
  const [indices] = features as [Uint16Array];
  const size = shape.layers * shape.k;
  const whole = weights.map(() => new Float64Array(rows));
  distancesTo(shape, weights)(indices, rows, whole);
  for (const [i, own] of weights.entries()) {
    const alone = new Float64Array(rows);
    distancesTo(shape, [own])(indices, rows, [alone]);
    t.same(Buffer.compare(bytesOf(alone), bytesOf(whole[i]!)), 0, `target ${i} alone`);
  }
  const random = randomIntegers(9);
  const again = weights.map(() => new Float64Array(rows));
  const distances = distancesTo(shape, weights);
  for (let first = 0; first < rows; ) {
    const count = Math.min(random(700), rows - first);
    const out = again.map((own) => own.subarray(first, first + count));
    distances(indices.subarray(first * size, (first + count) * size), count, out);
    first += count;
  }
  for (const [i, own] of again.entries())
    t.same(Buffer.compare(bytesOf(own), bytesOf(whole[i]!)), 0, `target ${i} in other batches`);
});

allSame(t, 'a hundred targets', (same) => {
  const shape = { layers: 3, k: 20, width: 50 };
  const { features, weights } = randomCase(11, shape, 7, 100);
  const out = weights.map(() => new Float64Array(7));
  distancesTo(shape, weights)(features[0]!, 7, out);
  for (const [i, own] of out.entries())
    same(own[6], plainDistance(features[0]!, 6, shape, weights[i]!), `target ${i}`);
});

t.test('weights that are no numbers or infinite stay so, and stay with their target', async (t) => {
  for (const k of [3, 20, 130]) {
    const shape = { layers: 2, k, width: 4 };
    const features = Uint16Array.from({ length: 3 * 2 * k }, (_, i) => (i < 2 * k ? 0 : i < 4 * k ? 1 : 3));
    const odd = Float64Array.of(NaN, Infinity, -Infinity, 0.5, 0, 0, 0, 0);
    const even = new Float64Array(8).fill(0.25);
    const out = [new Float64Array(3), new Float64Array(3)];
    distancesTo(shape, [odd, even])(features, 3, out);
    t.strictSame([...out[0]!], [NaN, -Infinity, 1 - k / 4], `k = ${k}`);
    t.strictSame([...out[1]!], [1 - k / 4, 1 - k / 4, 1 - k / 4], `k = ${k}, beside it`);
  }
});

t.test('checks its shapes', async (t) => {
  const call = (features: number, weights: number, out: number) => () =>
    distances(new Uint16Array(features), 2, 3, 4, 5, new Float64Array(weights), new Float64Array(out));
  call(24, 15, 2)();
  t.throws(call(23, 15, 2), /features: expected 2 × 3 × 4 values, found 23/);
  t.throws(call(24, 14, 2), /weights/);
  t.throws(call(24, 15, 1), /out/);
  const two = distancesTo({ layers: 1, k: 1, width: 1 }, [Float64Array.of(1), Float64Array.of(1)]);
  t.throws(
    () => two(Uint16Array.of(0), 1, [new Float64Array(1)]),
    /out: expected one array a target, 2, found 1/,
  );
});

function bytesOf(values: Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
