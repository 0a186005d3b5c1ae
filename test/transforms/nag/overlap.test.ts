import t from 'tap';
import { sharedNeurons } from '../../../transforms/nag/overlap.js';
import { goldenNags } from '../../fixtures/nags-golden.js';

t.test('shared neurons are those that both lists of a layer hold', async (t) => {
  const features = Uint16Array.from([0, 1, 2, 3, 1, 0, 0, 1, 4, 5, 2, 0]);
  t.strictSame([...sharedNeurons(features, 3, 2, 2, 6)], [4, 2, 1, 2, 4, 1, 1, 1, 4]);
});

t.test('as counted one by one', async (t) => {
  const { features, rows, layers, k, width } = goldenNags;
  const shared = sharedNeurons(features, rows, layers, k, width);
  const sets = Array.from(
    { length: rows },
    (_, row) =>
      new Set(
        Array.from(
          { length: layers * k },
          (_, at) => `${Math.floor(at / k)}:${features[row * layers * k + at]}`,
        ),
      ),
  );
  const expected = sets.flatMap((a) => sets.map((b) => [...a].filter((neuron) => b.has(neuron)).length));
  t.strictSame([...shared], expected);
});

t.test('an index that the layer does not have', async (t) => {
  t.throws(() => sharedNeurons(Uint16Array.from([0, 6]), 2, 1, 1, 6), {
    message: 'row 1: neuron index 6, but the layer has 6 neurons',
  });
});
