import t from 'tap';
import { type FeatureInfo, trusted, unknown } from '../../transforms/columns.js';
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

t.test('what must be alike', async (t) => {
  requireComparable(info, { ...info }, 'the target');
  const changes: [Partial<FeatureInfo>, string][] = [
    [{ neurons: 'att_q' }, 'neuron type: fwd_up and att_q'],
    [{ layers: 4 }, 'layers: 28 and 4'],
    [{ width: 100, k: 10 }, 'neurons a layer: 6144 and 100; neurons kept a layer: 20 and 10'],
    [{ model: 'c'.repeat(64) }, 'model weights: aaaaaaaaaaaaaaaa and cccccccccccccccc'],
    [{ tokenizer: 'c' }, 'tokenizer: b and c'],
    [{ maxLength: 500 }, 'max_length: 120 and 500'],
    [{ subset: { kept: [0, 5], of: 30 } }, 'layers of the model: all and 0,5 of 30'],
  ];
  for (const [change, text] of changes)
    t.throws(() => requireComparable(info, { ...info, ...change }, 'the target'), {
      message: `the features cannot be compared with the target, they were made differently (${text})`,
    });
});

t.test('the same layers of models of the same depth', async (t) => {
  const subset = (kept: number[], of: number): FeatureInfo => ({ ...info, layers: 1, subset: { kept, of } });
  requireComparable(subset([3], 28), subset([3], 28), 'the target');
  for (const other of [subset([4], 28), subset([3], 12)])
    t.throws(() => requireComparable(subset([3], 28), other, 'the target'), {
      message: /\(layers of the model: 3 of 28 and [34] of (28|12)\)$/,
    });
});

t.test('what is unknown is comparable with itself, what is trusted with anything', async (t) => {
  const of = (origin: string): FeatureInfo => ({ ...info, model: origin, tokenizer: origin, maxLength: 0 });
  requireComparable(of(unknown), of(unknown), 'the target');
  for (const other of [info, of(unknown), of(trusted)]) {
    requireComparable(of(trusted), other, 'the target');
    requireComparable(other, of(trusted), 'the target');
  }
  t.throws(() => requireComparable(info, of(unknown), 'the target'), {
    message: /model weights: aaaaaaaaaaaaaaaa and unknown; .*max_length: 120 and unknown\).*set trust: true/,
  });
  t.throws(() => requireComparable(of(trusted), { ...info, width: 65536 }, 'the target'), {
    message: /\(neurons a layer: 6144 and 65536\)/,
  });
});
