import t from 'tap';
import { keepLayers } from '../../../transforms/nag/keep-layers.js';

t.test('layers of each row, in the order given', async (t) => {
  const features = Uint16Array.from([0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121]);
  t.same([...keepLayers(features, 2, 3, 2, [0, 2])], [0, 1, 20, 21, 100, 101, 120, 121]);
  t.same([...keepLayers(features, 2, 3, 2, [1])], [10, 11, 110, 111]);
  t.same([...keepLayers(features, 0, 3, 2, [1])], []);
  t.throws(() => keepLayers(features, 3, 3, 2, [0]), { message: /expected 3 × 3 × 2 values, found 12/ });
  t.throws(() => keepLayers(features, 2, 3, 2, [3]), { message: /layer 3 of 3/ });
});
