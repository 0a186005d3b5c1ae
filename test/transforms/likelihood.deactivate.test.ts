import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { openCheckpoint } from '../../transforms/backbone/checkpoint.js';
import { likelihood } from '../../transforms/likelihood.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { zeroInPlace } from '../fixtures/deactivated.js';
import { batchOf, recordBatch } from '../fixtures/engine.js';
import { testContext, transformed, values } from './context.js';

const keys = { '0': [3, 70], '1': [], '3': [0, 1, 2, 79] };
const texts = ['the wind on the sea', 'and of the others over there', 'in 1920'];
const input = [batchOf(recordBatch({ doc: [new Utf8(), texts] }), 0)];

async function folder(t: Test): Promise<string> {
  const model = t.testdir({});
  await writeModelFolder(model, 'llama');
  return model;
}

t.test('losses without neurons are those of a checkpoint whose rows are zero', async (t) => {
  const model = await folder(t);
  const file = join(model, 'keys.json');
  writeFileSync(file, JSON.stringify(keys));
  const cpu = { model, device: 'cpu', threads: 1 };
  const context = testContext(t);
  const whole = values(await transformed(likelihood, cpu, input, context), 'loss');
  const off = await transformed(likelihood, { ...cpu, deactivate: file }, input, context);
  t.match(context.notes, ['6 neurons are deactivated']);
  const beside = await transformed(likelihood, cpu, input, context, { deactivate: keys });
  t.same(values(beside, 'loss'), values(off, 'loss'), 'from a stage or from a file');
  t.notSame(values(off, 'loss'), whole);
  await t.rejects(
    transformed(likelihood, { ...cpu, deactivate: file }, input, context, { deactivate: keys }),
    { message: /from a file or from a stage, not from both/ },
  );

  zeroInPlace(await openCheckpoint(model), keys);
  const zeroed = await transformed(likelihood, cpu, input, testContext(t));
  t.same(values(zeroed, 'loss'), values(off, 'loss'), 'to the bit');
});

t.test('neurons that the model does not have', async (t) => {
  const cpu = { model: await folder(t), device: 'cpu', threads: 1 };
  await t.rejects(transformed(likelihood, cpu, input, testContext(t), { deactivate: { '0': [80] } }), {
    name: 'DataError',
    message: /layer 0: neuron 80: the model has 80 a layer/,
  });
});
