import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { readDeactivation, readKeys, requireFit } from '../../../transforms/backbone/deactivation.js';
import { modelFingerprint } from '../../../transforms/backbone/fingerprint.js';
import { openSession } from '../../../transforms/backbone/session.js';
import { neuronTypes } from '../../../transforms/backbone/types.js';
import { allSame } from '../../fixtures/all-same.js';
import type { CheckpointOptions, Family } from '../../fixtures/checkpoint.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { zeroInPlace } from '../../fixtures/deactivated.js';
import { scaledError } from './compare.js';
import { referenceImpacts } from './reference.js';
import { randomDocuments, runGraph } from './run-graph.js';

const keys = { 0: [79, 0, 33], 2: [5, 6], 3: [7] };
const cases: readonly [name: string, family: Family, options: CheckpointOptions][] = [
  ['qwen3 in bfloat16, over shards', 'qwen3', { dtype: 'BF16', shards: 3 }],
  ['llama in float16', 'llama', { dtype: 'F16' }],
  ['smollm3 with an MLP bias', 'smollm3', { config: { mlp_bias: true } }],
];

for (const [name, family, options] of cases) {
  t.test(`${name}: neurons that are switched off are weights of zero`, async (t) => {
    const dir = t.testdir();
    const [whole, zeroed] = [join(dir, 'whole'), join(dir, 'zeroed')];
    await writeCheckpoint(whole, family, options);
    await writeCheckpoint(zeroed, family, options);
    zeroInPlace(await openCheckpoint(zeroed), keys);
    const docs = randomDocuments([12, 5], 320);
    const patched = await openCheckpoint(zeroed);
    const expected = docs.map((doc) => referenceImpacts(patched, doc));
    await allSame(t, 'impacts and top neurons', async (same) => {
      for (const operators of ['cpu', 'plain'] as const) {
        const request = {
          layers: 4,
          impacts: neuronTypes,
          top: new Map([['fwd_up', 7] as const]),
          operators,
        };
        const found = await runGraph(await openCheckpoint(whole), { ...request, deactivate: keys }, docs);
        const zero = await runGraph(patched, request, docs);
        for (const [d, layers] of expected.entries())
          for (const [layer, impacts] of layers.entries()) {
            const name = `document ${d}, layer ${layer}, ${operators}`;
            for (const type of neuronTypes) {
              const own = found.impacts(type, d, layer);
              const error = scaledError(own, impacts[type]);
              same(error <= 1e-5 || error, true, `${name}, ${type}: the scaled error is small`);
              same(own, zero.impacts(type, d, layer), `${name}, ${type}: every bit`);
            }
            same(found.top('fwd_up', d, layer), zero.top('fwd_up', d, layer), `${name}: the top neurons`);
          }
      }
    });
  });
}

t.test('the fingerprint is that of the checkpoint with zeros, whatever the order of the keys', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3', { dtype: 'BF16', shards: 2 });
  const checkpoint = await openCheckpoint(dir);
  const plain = await modelFingerprint(checkpoint);
  const expected = await modelFingerprint(checkpoint, undefined, keys);
  t.not(expected, plain);
  t.equal(await modelFingerprint(checkpoint, undefined, { 3: [7], 0: [0, 33, 79], 2: [6, 5] }), expected);
  t.equal(await modelFingerprint(checkpoint, undefined, { 1: [] }), plain, 'nothing is switched off');
  zeroInPlace(checkpoint, keys);
  t.equal(await modelFingerprint(checkpoint), expected);
});

t.test('a session refuses neurons that the model does not have', async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const options = {
    model: dir,
    neurons: ['fwd_up'],
    impacts: ['fwd_up'],
    maxLength: 8,
    device: 'cpu',
  } as const;
  await t.rejects(openSession({ ...options, deactivate: { 4: [0] } }), /^layer 4: the model has 4/);
  const session = await openSession({ ...options, deactivate: { 0: [3] } });
  const { impacts } = await session.run({ ids: Int32Array.of(1, 2), lengths: Int32Array.of(2) });
  t.equal(impacts.fwd_up?.[3], 0);
  await session.close();
});

t.test('keys are read as they stand, empty layers and missing ones too', async (t) => {
  const file = join(t.testdir(), 'keys.json');
  writeFileSync(file, '{"2": [5, 1], "0": [],\n "10": [79]}');
  t.strictSame(await readKeys(file), { 0: [], 2: [5, 1], 10: [79] });
  writeFileSync(file, '{}');
  t.strictSame(await readKeys(file), {});
});

t.test('what is no file of keys is refused with what is wrong', async (t) => {
  const file = join(t.testdir(), 'keys.json');
  const faults: readonly [text: string, message: RegExp][] = [
    ['', /keys\.json: not valid JSON: .*; expected neurons by layer: \{"0": \[12, 7\], "1": \[3\]\}/],
    ['[[1, 2]]', /expected neurons by layer: .*, found \[\[1,2\]\]/],
    ['null', /found null/],
    ['{"a": [1]}', /expected the number of a layer, found "a"/],
    ['{"00": [1]}', /found "00"/],
    ['{"-1": [1]}', /found "-1"/],
    ['{"__proto__": [1]}', /found "__proto__"/],
    ['{"0": 1}', /layer 0: expected a list of neurons, found 1/],
    ['{"0": [1.5]}', /layer 0: expected a neuron's index, found 1\.5/],
    ['{"0": [-1]}', /found -1/],
    ['{"0": ["1"]}', /found "1"/],
    ['{"0": [[1]]}', /found \[1\]/],
    ['{"1": [4, 5, 4]}', /layer 1: neuron 4 is named twice/],
    ['{"1": [4], "1": [5]}', /a layer is named twice/],
  ];
  for (const [text, message] of faults) {
    writeFileSync(file, text);
    await t.rejects(readKeys(file), { name: 'DataError', message }, text);
  }
  await t.rejects(readKeys(join(file, 'nothing')), {
    name: 'DataError',
    message: /nothing: cannot be read; expected/,
  });
});

t.test("keys that are not the model's are refused", async (t) => {
  const dir = t.testdir();
  await writeCheckpoint(dir, 'qwen3');
  const { architecture } = await openCheckpoint(dir);
  t.doesNotThrow(() => requireFit({ 0: [79], 3: [] }, architecture));
  const file = join(dir, 'keys.json');
  writeFileSync(file, '{"0": [1], "4": []}');
  await t.rejects(
    readDeactivation(file, architecture),
    /keys\.json: layer 4: the model has 4 layers, 0 to 3$/,
  );
  writeFileSync(file, '{"3": [79, 80]}');
  await t.rejects(
    readDeactivation(file, architecture),
    /layer 3: neuron 80: the model has 80 a layer, 0 to 79$/,
  );
});
