import t from 'tap';
import { profileDrift } from '../../../transforms/nag/drift.js';

/** Each layer divided by its sum. */
function profile(layers: number, width: number, weight: (i: number) => number): Float64Array {
  const all = Float64Array.from({ length: layers * width }, (_, i) => weight(i));
  for (let base = 0; base < all.length; base += width) {
    const layer = all.subarray(base, base + width);
    const sum = layer.reduce((total, value) => total + value, 0);
    layer.set(layer.map((value) => value / sum));
  }
  return all;
}

t.test('as NumPy computes it', async (t) => {
  // i = np.arange(60); a = ((i * 7) % 11 + 1.0).reshape(3, 20); a /= a.sum(1, keepdims=True); b likewise
  // (np.abs(a - b).sum(1) / 2).mean()
  const a = profile(3, 20, (i) => ((i * 7) % 11) + 1);
  const b = profile(3, 20, (i) => (i * 5) % 13);
  t.equal(profileDrift(a, b, 3), 0.3404341173265117);
  t.equal(profileDrift(b, a, 3), 0.3404341173265117);
});

t.test('by hand, from equal to nothing in common', async (t) => {
  const a = Float64Array.of(0.5, 0.5, 0, 0, 1, 0, 0, 0);
  t.equal(profileDrift(a, a.slice(), 2), 0);
  t.equal(profileDrift(a, Float64Array.of(0, 0, 0.25, 0.75, 0, 0, 0, 1), 2), 1);
  t.equal(profileDrift(a, Float64Array.of(0.25, 0.5, 0.25, 0, 1, 0, 0, 0), 2), 0.125, 'one layer of two');
});

t.test('only profiles of the same size', async (t) => {
  t.throws(() => profileDrift(new Float64Array(6), new Float64Array(4), 2), RangeError);
  t.throws(() => profileDrift(new Float64Array(5), new Float64Array(5), 2), RangeError);
  t.throws(() => profileDrift(new Float64Array(0), new Float64Array(0), 0), RangeError);
});
