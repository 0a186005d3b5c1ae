import t from 'tap';
import { keptFault, tellKept } from '../../transforms/kept-neurons.js';
import { testContext } from './context.js';

t.test('K that serves no ranking is told, once, and all K are in the footer', async (t) => {
  const context = testContext(t);
  const kept = { neurons: 'fwd_up', k: 1, width: 172 } as const;
  tellKept(kept, context);
  tellKept(kept, context);
  t.strictSame(
    [...new Set(context.notes)],
    [
      'K is 1 of the 172 neurons of a layer (fwd_up): many documents will have equal distances and be ordered by docid; set k, or a larger ratio, on top_k (20 is usual)',
    ],
  );
  t.strictSame([...context.figures], [['of 172 neurons a layer', 1]]);
  t.equal(context.provenance.get('nag.k'), 'fwd_up: 1 of 172');
  const faults = [4, 5, 20, 85, 86, 172].map((k) => keptFault({ ...kept, k })?.replace(/^.*: /, ''));
  const few =
    'many documents will have equal distances and be ordered by docid; set k, or a larger ratio, on top_k (20 is usual)';
  const many = 'with half of them or more, documents hardly differ; set a smaller k or ratio on top_k';
  t.strictSame(faults, [few, undefined, undefined, undefined, many, many]);
});
