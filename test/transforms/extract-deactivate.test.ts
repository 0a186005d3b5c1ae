import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { openCheckpoint } from '../../transforms/backbone/checkpoint.js';
import { modelFingerprint } from '../../transforms/backbone/fingerprint.js';
import { findImpacts } from '../../transforms/columns.js';
import { extract } from '../../transforms/extract.js';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { tokenize } from '../../transforms/tokenize.js';
import { topK } from '../../transforms/top-k.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { zeroInPlace } from '../fixtures/deactivated.js';
import { openSource, readAll, type TestContext, testContext, transformed, values } from './context.js';

const keys = { 0: [5, 79, 60], 1: [1] };
const docs = Array.from({ length: 7 }, (_, i) => ({
  doc: `text ${i} ${'and more of the other '.repeat(i)}`,
}));

// A model, the same with its weights zeroed, the keys, and documents.
const dir = t.testdir();
const paths = {
  model: join(dir, 'model'),
  zeroed: join(dir, 'zeroed'),
  keys: join(dir, 'keys.json'),
  docs: join(dir, 'docs.jsonl'),
};
for (const folder of [paths.model, paths.zeroed])
  await writeModelFolder(folder, 'qwen3', { dtype: 'BF16', config: { num_hidden_layers: 2 } });
zeroInPlace(await openCheckpoint(paths.zeroed), keys);
writeFileSync(paths.keys, JSON.stringify(keys));
writeFileSync(paths.docs, docs.map((doc) => `${JSON.stringify(doc)}\n`).join(''));

async function impacts(context: TestContext, model: string, more = {}): Promise<Batch[]> {
  const source = await openSource(readJsonl, { path: paths.docs, columns: { text: 'doc' } }, context);
  const ids = await transformed(tokenize, { model, max_length: 50 }, await readAll(source), context);
  return await transformed(extract, { model, device: 'cpu', threads: 1, ...more }, ids, context);
}

t.test(
  'with neurons switched off, features are those of the model with zeros, and can be compared with them',
  async (t) => {
    const context = testContext(t);
    const plain = await impacts(context, paths.model);
    const off = await impacts(context, paths.model, { deactivate: paths.keys });
    const zeroed = await impacts(testContext(t), paths.zeroed);
    t.strictSame(values(off, 'fwd_up_impact'), values(zeroed, 'fwd_up_impact'));
    t.strictNotSame(values(off, 'fwd_up_impact'), values(plain, 'fwd_up_impact'));
    const info = (batches: Batch[]) => findImpacts(batches[0]!.columns, undefined).info;
    t.strictSame(info(off), info(zeroed));
    t.not(info(off).model, info(plain).model);
    t.strictSame(context.notes, ['4 neurons are deactivated']);
    t.equal(context.provenance.get('nag.model'), await modelFingerprint(await openCheckpoint(paths.zeroed)));
    const top = await transformed(topK, { k: 4 }, off, context);
    for (const feature of values(top, 'fwd_up_feature') as number[][])
      t.notOk(
        feature.slice(0, 4).some((neuron) => keys[0].includes(neuron)),
        'they are in no NAG',
      );
  },
);

t.test("keys that are not the model's are told with their file", async (t) => {
  for (const [own, message] of [
    ['{"0": [80]}', /bad\.json: layer 0: neuron 80: the model has 80 a layer/],
    ['{"2": []}', /bad\.json: layer 2: the model has 2 layers/],
    ['{"0": [1],}', /bad\.json: not valid JSON/],
  ] as const) {
    const deactivate = join(dir, 'bad.json');
    writeFileSync(deactivate, own);
    await t.rejects(impacts(testContext(t), paths.model, { deactivate }), { name: 'DataError', message });
  }
});
