import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readKeysSource } from '../../transforms/read-keys.js';
import { openSource, readAll, testContext, values } from './context.js';

t.test('a row each, layer by layer, in the order of the file; chosen ones again', async (t) => {
  const path = join(t.testdir(), 'keys.json');
  writeFileSync(path, '{"3": [9, 1], "0": [4], "1": []}');
  const source = await openSource(readKeysSource, { path }, testContext(t));
  t.equal(source.rows, 3);
  const batches = await readAll(source);
  t.strictSame(values(batches, 'layer'), [0, 3, 3]);
  t.strictSame(values(batches, 'neuron'), [4, 9, 1]);
  t.equal(batches[0]?.computed.size, 0, 'they can be read again');
  const again = await readAll(source, { columns: 'all' }, { only: Uint32Array.of(1) });
  t.strictSame(values(again, 'neuron'), [9]);
  await source.close();
});

t.test('no neurons are no rows, with their columns', async (t) => {
  const path = join(t.testdir(), 'keys.json');
  writeFileSync(path, '{}');
  const [batch] = await readAll(await openSource(readKeysSource, { path }, testContext(t)));
  t.equal(batch?.rows.length, 0);
  t.strictSame(
    batch?.columns.schema.fields.map(({ name }) => name),
    ['layer', 'neuron'],
  );
});

t.test('a file that holds no keys is told', async (t) => {
  const path = join(t.testdir(), 'keys.json');
  writeFileSync(path, '{"0": [1, 1]}');
  const message = /keys\.json: layer 0: neuron 1 is named twice/;
  await t.rejects(openSource(readKeysSource, { path }, testContext(t)), { name: 'DataError', message });
});
