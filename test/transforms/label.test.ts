import { Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { label } from '../../transforms/label.js';
import { batchOf, recordBatch } from '../fixtures/engine.js';
import { names, testContext, transformed, values } from './context.js';

const pool = [[1, 2], [], [3]].map((n, i) =>
  batchOf(recordBatch({ n: [new Int32(), n], target: [new Utf8(), n.map(() => 'old')] }), i),
);

t.test('text, numbers and truth values in every row; a column of that name is replaced', async (t) => {
  const columns = { target: 'gsm8k é', year: 2026, weight: 0.5, held_out: true, 'a.b': '' };
  const found = await transformed(label, { columns }, pool, testContext(t));
  for (const batch of found)
    t.strictSame(
      batch.columns.schema.fields.map(({ name, type }) => `${name} ${String(type)}`),
      ['n Int32', 'target Utf8', 'year Int64', 'weight Float64', 'held_out Bool', 'a.b Utf8'],
    );
  t.strictSame(values(found, 'n'), [1, 2, 3]);
  for (const [name, value] of Object.entries(columns))
    t.strictSame(values(found, name), Array(3).fill(name === 'year' ? 2026n : value), name);
  t.ok(found[0]!.computed.has('target'));
  t.strictSame(names(pool[0]!), ['n', 'target'], 'the input is as it was');
});

t.test('options', async (t) => {
  for (const columns of [{}, { '#x': 1 }, { '': 1 }, { x: null }, { x: [1] }, undefined])
    t.notOk(label.options.safeParse({ columns }).success, JSON.stringify(columns));
});
