import t from 'tap';
import type { FeatureInfo } from '../../transforms/columns.js';
import { requireComparable } from '../../transforms/same-features.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 28,
  k: 20,
  width: 6144,
  model: 'a'.repeat(64),
  tokenizer: 'b',
  maxLength: 120,
};

t.test('what must be alike, and what not', async (t) => {
  requireComparable(info, { ...info }, 'the target');
  requireComparable(info, { ...info, maxLength: 500 }, 'the target');
  const changes: [Partial<FeatureInfo>, string][] = [
    [{ neurons: 'att_q' }, 'neuron type: fwd_up and att_q'],
    [{ layers: 4 }, 'layers: 28 and 4'],
    [{ width: 100, k: 10 }, 'neurons a layer: 6144 and 100; neurons kept a layer: 20 and 10'],
    [{ model: 'c'.repeat(64) }, 'model weights: aaaaaaaaaaaaaaaa and cccccccccccccccc'],
    [{ tokenizer: 'c' }, 'tokenizer: b and c'],
  ];
  for (const [change, text] of changes)
    t.throws(() => requireComparable(info, { ...info, ...change }, 'the target'), {
      message: `the features cannot be compared with the target, they were made differently (${text})`,
    });
});
