import { Bool, type DataType, Dictionary, Int32, Int64, Utf8 } from 'apache-arrow';
import t from 'tap';
import { deduplicate } from '../../transforms/deduplicate.js';
import { batchOf, recordBatch } from '../fixtures/engine.js';
import { testContext, transformed, values } from './context.js';
import { randomIntegers } from './nag/random.js';

const text = new Utf8();

function batches(type: DataType, parts: readonly (readonly unknown[])[], name = 'docid') {
  let n = 0;
  return parts.map((ids, i) =>
    batchOf(recordBatch({ [name]: [type, ids], n: [new Int32(), ids.map(() => n++)] }), i),
  );
}

async function kept(t: Parameters<typeof testContext>[0], input: ReturnType<typeof batches>, options = {}) {
  const context = testContext(t);
  const found = await transformed(deduplicate, options, input, context);
  return { rows: values(found, 'n'), left: [...context.left] };
}

t.test('the first row of each docid; rows without one are kept', async (t) => {
  const found = await kept(
    t,
    batches(text, [['a', 'b', 'a', null], [], ['b', 'é', null, '', 'ab', '', 'e\u0301']]),
  );
  t.strictSame(found.rows, [0, 1, 3, 5, 6, 7, 8, 10]);
  t.strictSame(found.left, [['seen before', 3]]);
});

t.test('as a plain set, in any batches', async (t) => {
  const random = randomIntegers(5);
  const ids = Array.from({ length: 20_000 }, () => `doc-${random(6000)}`);
  const expected = [...new Set(ids)].map((id) => ids.indexOf(id));
  for (const size of [1000, 7777, 20_000]) {
    const parts = Array.from({ length: Math.ceil(ids.length / size) }, (_, i) =>
      ids.slice(i * size, (i + 1) * size),
    );
    t.strictSame((await kept(t, batches(text, parts))).rows, expected, `batches of ${size}`);
  }
});

t.test('another column; whole numbers; dictionaries', async (t) => {
  t.strictSame((await kept(t, batches(text, [['x', 'x']], 'hash'), { column: 'hash' })).rows, [0]);
  const big = [2n ** 53n, 2n ** 53n + 1n, 2n ** 53n, -1n];
  t.strictSame((await kept(t, batches(new Int64(), [big]))).rows, [0, 1, 3]);
  const mixed = [...batches(new Int32(), [[1, 2]]), ...batches(new Int64(), [[2n, 3n]])];
  t.strictSame((await kept(t, mixed)).rows, [0, 1, 1], 'widths of integers do not matter');
  t.strictSame((await kept(t, batches(new Dictionary(text, new Int32()), [['a', 'b', 'a']]))).rows, [0, 1]);
});

t.test('what cannot be compared, and too much of it', async (t) => {
  await t.rejects(kept(t, [...batches(text, [['1']]), ...batches(new Int32(), [[1]])]), {
    message: /column "docid" holds whole numbers here, and text before/,
  });
  await t.rejects(kept(t, batches(new Bool(), [[true]])), {
    message: /expected text or whole numbers, found Bool/,
  });
  await t.rejects(kept(t, batches(text, [['a']], 'id')), {
    message: /no column "docid" for "docid" .*; name the right one with columns/,
  });
  await t.rejects(kept(t, batches(text, [['a']]), { column: 'x' }), {
    message: /there is no column "x" \(columns:/,
  });
  await t.rejects(kept(t, batches(text, [['a']]), { memory_mb: 0.01 }), {
    message: /^1 different values take more than memory_mb: 0\.01; raise it/,
  });
});
