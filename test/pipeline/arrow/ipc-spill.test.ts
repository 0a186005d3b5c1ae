import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Int64, RecordBatch, Utf8 } from 'apache-arrow';
import t from 'tap';
import { SpillFile } from '../../../pipeline/arrow/ipc-spill.js';
import { allSame } from '../../fixtures/all-same.js';
import { batchOf, dataOf, sampleBatches, values } from '../../fixtures/columns.js';

t.test('what went in comes out, in order, with the first rows', async (t) => {
  const spill = await SpillFile.create(t.testdir(), 'rows.arrow');
  const batches = [['a', 'b'], ['c'], ['d', null, 'f']].map((cells) => batchOf(dataOf(new Utf8(), cells)));
  const firsts: number[] = [];
  for (const batch of batches) firsts.push(await spill.append(batch));
  t.same(firsts, [0, 2, 3]);
  t.equal(spill.rows, 6);
  t.equal(spill.batches, 3);
  const read: unknown[] = [];
  for await (const { first, batch } of spill.read()) read.push([first, values(batch)]);
  t.same(read, [
    [0, ['"a"', '"b"']],
    [2, ['"c"']],
    [3, ['"d"', 'null', '"f"']],
  ]);
  t.same(values(await spill.batchAt(1)), ['"c"'], 'any batch alone');
  await spill.append(batches[0]!);
  t.same(values(await spill.batchAt(3)), ['"a"', '"b"'], 'appending after reading');
  await spill.close();
});

t.test('every type, sliced or not, and every schema', async (t) => {
  const spill = await SpillFile.create(t.testdir(), 'types.arrow');
  await allSame(t, 'the last batch', async (same) => {
    for (const { name, batch } of sampleBatches()) {
      await spill.append(batch);
      same(values(await spill.batchAt(spill.batches - 1)), values(batch), name);
      const slice = batch.slice(11, 50);
      await spill.append(slice);
      same(values(await spill.batchAt(spill.batches - 1)), values(slice), `a slice of ${name}`);
    }
  });
  await spill.close();
});

t.test('close deletes the file, and twice is fine', async (t) => {
  const dir = t.testdir();
  const spill = await SpillFile.create(dir, 'gone.arrow');
  await spill.append(batchOf(dataOf(new Int64(), [1n])));
  t.ok(existsSync(join(dir, 'gone.arrow')));
  await spill.close();
  await spill.close();
  t.same(readdirSync(dir), []);
  await t.rejects(spill.append(new RecordBatch({})), { name: 'NagError', message: /after it was closed/ });
  await t.rejects(spill.batchAt(0), { name: 'NagError' });
});

t.test('errors name the file', async (t) => {
  const dir = t.testdir({ taken: '' });
  await t.rejects(SpillFile.create(join(dir, 'no', 'folder'), 'x'), {
    name: 'DataError',
    message: /no\/folder\/x: cannot make/,
  });
  await t.rejects(SpillFile.create(dir, 'taken'), {
    name: 'DataError',
    message: /taken: cannot make.*EEXIST/,
  });
  const spill = await SpillFile.create(dir, 'short.arrow');
  await t.rejects(spill.batchAt(0), { name: 'NagError', message: /no batch 0, it has 0/ });
  await spill.close();
});
