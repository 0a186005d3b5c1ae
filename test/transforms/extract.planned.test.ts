import { join } from 'node:path';
import t from 'tap';
import { extract } from '../../transforms/extract.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';

t.test('K of each layer is known before a run, where the model is a folder', async (t) => {
  const dir = t.testdir({});
  const model = join(dir, 'model');
  await writeModelFolder(model, 'qwen3', { config: { num_hidden_layers: 2, intermediate_size: 80 } });
  const planned = async (top: Record<string, number> | undefined, folder = model) => {
    const options = { ...(extract.options.parse({ model: folder, neurons: ['fwd_up'] }) as object), top };
    return await extract.planned?.(options);
  };
  t.strictSame(await planned({ k: 20 }), ['K of a layer: fwd_up: 20 of 80']);
  t.match(await planned({ ratio: 0.003 }), [
    'K of a layer: fwd_up: 1 of 80',
    /^note: K is 1 of the 80 neurons of a layer \(fwd_up\): many documents will have equal distances/,
  ]);
  t.match(await planned({ k: 60 }), [/60 of 80/, /^note: K is 60 of the 80 .*documents hardly differ/]);
  t.strictSame(await planned(undefined), [], 'all impacts');
  t.strictSame(await planned({ k: 20 }, 'owner/name'), [
    'note: owner/name is no folder, and not in the cache of models: a run fetches it from the hub',
  ]);
});
