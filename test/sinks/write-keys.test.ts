import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Float64, Int32, Int64 } from 'apache-arrow';
import t from 'tap';
import { writeKeys } from '../../sinks/write-keys.js';
import { neuronBatch } from '../../transforms/neuron-rows.js';
import { memorySource, recordBatch, runStages } from '../fixtures/engine.js';

const rows = (layer: readonly number[], neuron: readonly number[]) =>
  recordBatch({ layer: [new Int32(), layer], neuron: [new Int32(), neuron] });

const known = (metadata: Record<string, string>, layer: readonly number[], neuron: readonly number[]) =>
  neuronBatch(
    { layer: Int32Array.from(layer), neuron: Int32Array.from(neuron) },
    '',
    0,
    new Map(Object.entries(metadata)),
  ).columns;

async function written(dir: string, ...batches: Parameters<typeof memorySource>[0][number][number][]) {
  const path = join(dir, 'keys.json');
  await runStages(
    [
      ['keys', memorySource([batches])],
      ['out', writeKeys, { path }],
    ],
    { tempDir: dir },
  );
  return readFileSync(path, 'utf8');
}

t.test('by layer, in the order in which they came, a line a layer', async (t) => {
  const text = await written(t.testdir(), rows([10, 2, 2], [7, 9, 0]), rows([2, 0], [4, 5]));
  t.equal(text, '{\n  "0": [5],\n  "2": [9, 0, 4],\n  "10": [7]\n}\n');
});

t.test('all layers of the model are there, where it is known', async (t) => {
  const text = await written(t.testdir(), known({ 'nag.neurons': 'fwd_up', 'nag.layers': '3' }, [1], [6]));
  t.equal(text, '{\n  "0": [],\n  "1": [6],\n  "2": []\n}\n');
});

t.test('no rows: no keys', async (t) => t.equal(await written(t.testdir(), rows([], [])), '{}\n'));

t.test('integers of 64 bits are the same', async (t) => {
  const batch = recordBatch({ layer: [new Int64(), [1n]], neuron: [new Int64(), [3n]] });
  t.equal(await written(t.testdir(), batch), '{\n  "1": [3]\n}\n');
});

t.test(
  'what are no neurons, or none that can be switched off, is refused, and nothing is written',
  async (t) => {
    const dir = t.testdir({ 'keys.json': 'earlier' });

    await t.rejects(written(dir, recordBatch({ n: [new Int32(), [1]] })), {
      name: 'DataError',
      message: /there is no column "layer": expected rows of neurons/,
    });
    const float = recordBatch({ layer: [new Float64(), [0.5]], neuron: [new Int32(), [1]] });
    await t.rejects(written(dir, float), { message: /row 0, column "layer": .* found 0\.5/ });
    await t.rejects(written(dir, rows([0], [-1])), { message: /row 0, column "neuron": .* found -1/ });
    const none = recordBatch({ layer: [new Int32(), [0]], neuron: [new Int32(), [null]] });
    await t.rejects(written(dir, none), { message: /found null/ });
    await t.rejects(written(dir, rows([0, 1], [4, 4]), rows([1], [4])), {
      message: /row 2: layer 1: neuron 4 came in before/,
    });
    await t.rejects(written(dir, known({ 'nag.neurons': 'att_q' }, [0], [1])), {
      message: /only neurons of fwd_up can be deactivated, these are of att_q/,
    });
    t.strictSame(readdirSync(dir), ['keys.json']);
    t.equal(readFileSync(join(dir, 'keys.json'), 'utf8'), 'earlier');
  },
);

t.test('an error in mid-stream comes out as it is, and a path that cannot be written is told', async (t) => {
  const dir = t.testdir();
  const error = new Error('broken');
  const source = memorySource([[rows([0], [1]), rows([0], [2])]], { failAt: { batch: 1, error } });
  const stages = (path: string, from = source) =>
    runStages(
      [
        ['keys', from],
        ['out', writeKeys, { path }],
      ],
      { tempDir: dir },
    );
  t.equal(await stages(join(dir, 'keys.json')).catch((thrown: unknown) => thrown), error);
  t.strictSame(readdirSync(dir), []);
  writeFileSync(join(dir, 'file'), '');
  const blocked = stages(join(dir, 'file', 'keys.json'), memorySource([[rows([0], [1])]]));
  await t.rejects(blocked, { name: 'DataError', message: /keys\.json: cannot be written/ });
});
