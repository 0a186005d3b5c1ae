import t from 'tap';
import { drawNeurons } from '../../../transforms/nag/draw.js';

t.test(
  'neurons of a layer are different and below the width, and all of them when k is the width',
  async (t) => {
    for (const [width, k] of [
      [1, 1],
      [7, 7],
      [11008, 30],
    ] as const) {
      const drawn = drawNeurons(3, 4, width, k);
      for (let layer = 0; layer < 4; layer++) {
        const own = new Set(drawn.subarray(layer * k, (layer + 1) * k));
        t.equal(own.size, k);
        t.ok([...own].every((neuron) => neuron >= 0 && neuron < width));
      }
    }
  },
);

t.test('the same for the same seed, another for another, and layers differ', async (t) => {
  const drawn = drawNeurons(42, 2, 6144, 20);
  t.strictSame(drawNeurons(42, 2, 6144, 20), drawn);
  t.strictNotSame(drawNeurons(43, 2, 6144, 20), drawn);
  t.strictNotSame(drawn.subarray(0, 20), drawn.subarray(20));
});

t.test('every neuron is as likely, in every place', async (t) => {
  const [width, k, layers] = [5, 2, 20_000];
  const drawn = drawNeurons(1, layers, width, k);
  const counts = Array.from({ length: k }, () => new Float64Array(width));
  drawn.forEach((neuron, i) => void counts[i % k]![neuron]!++);
  for (const place of counts)
    for (const count of place)
      t.ok(Math.abs(count - layers / width) < 5 * Math.sqrt(layers / width), `${count}`);
});
