import t from 'tap';
import type { CombineContext } from '../../pipeline/component.js';
import { gatheredNeurons } from '../../transforms/gathered-neurons.js';
import { neuronBatch } from '../../transforms/neuron-rows.js';
import { testContext } from './context.js';

const batches = [
  [0, 5],
  [0, 2],
  [1, 2],
  [2, 9],
].map(([layer, neuron], i) =>
  neuronBatch({ layer: Int32Array.of(layer!), neuron: Int32Array.of(neuron!) }, 'keys', i),
);

t.test('rows become keys, in any split', async (t) => {
  const context = {
    ...testContext(t),
    scanBefore: () => undefined,
    reread: () => never(),
  } satisfies CombineContext;
  const { create, add, merge, extract } = await gatheredNeurons.start({}, context, new Map());
  for (const cut of batches.keys()) {
    let [left, right] = [create(), create()];
    for (const batch of batches.slice(0, cut)) left = await add(left, batch);
    for (const batch of batches.slice(cut)) right = await add(right, batch);
    t.same(await extract(await merge(left, right)), { '0': [5, 2], '1': [2], '2': [9] });
  }
  t.same(await extract(create()), {}, 'no rows, no neurons');
});

async function* never() {}
