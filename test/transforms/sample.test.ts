import { Int64, Utf8 } from 'apache-arrow';
import t from 'tap';
import { sample } from '../../transforms/sample.js';
import { seededFraction } from '../../transforms/sampling.js';
import { batchOf, type Column, recordBatch } from '../fixtures/engine.js';
import { testContext, transformed, values } from './context.js';

const ids = Array.from({ length: 4000 }, (_, i) => `doc-${i}`);

function pool(size: number, column: (part: readonly string[]) => Record<string, Column>, firstOrdinal = 0) {
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => {
    const part = ids.slice(i * size, (i + 1) * size);
    const bundle = {
      ordinal: firstOrdinal,
      file: '/data/pool.jsonl',
      firstRow: 0,
      rows: undefined,
      bytes: 1,
    };
    return batchOf(recordBatch({ ...column(part), id: [new Utf8(), part] }), bundle, i * size);
  });
}

const byDocid = (part: readonly string[]) => ({ docid: [new Utf8(), part] as const });

async function sampled(
  t: Parameters<typeof testContext>[0],
  batches: ReturnType<typeof pool>,
  options: Record<string, unknown>,
) {
  const context = testContext(t);
  const found = values(await transformed(sample, options, batches, context), 'id') as string[];
  t.equal(found.length + (context.left.get('not in the sample') ?? 0), ids.length, 'every row is counted');
  return found;
}

t.test("numbers are those of Python's hashlib", async (t) => {
  t.equal(seededFraction(1, 'a'), 0.5298565529377157);
  t.equal(seededFraction(1, 'b'), 0.17278141079332343);
  t.equal(seededFraction(7, 'a'), 0.5982931806435303);
  t.equal(seededFraction(1, 'é'), 0.5141534717378171);
  t.equal(seededFraction(1, 'pool.jsonl:3'), 0.034032234842893416);
});

t.test('about the share, the same in any batches and order; invert has the others', async (t) => {
  const found = await sampled(t, pool(1000, byDocid), { fraction: 0.3 });
  t.strictSame(
    found,
    ids.filter((id) => seededFraction(1, id) < 0.3),
  );
  t.ok(Math.abs(found.length / ids.length - 0.3) < 0.03, `${found.length}`);
  t.strictSame(await sampled(t, pool(77, byDocid, 5), { fraction: 0.3 }), found);
  const others = await sampled(t, pool(1000, byDocid), { fraction: 0.3, invert: true });
  t.strictSame([...found, ...others].sort(), [...ids].sort());
  const more = new Set(await sampled(t, pool(1000, byDocid), { fraction: 0.5 }));
  t.ok(
    found.every((id) => more.has(id)),
    'a smaller sample is part of a larger',
  );
  t.notSame(await sampled(t, pool(1000, byDocid), { fraction: 0.3, seed: 2 }), found);
  t.strictSame(await sampled(t, pool(1000, byDocid), { fraction: 0 }), []);
  t.strictSame(await sampled(t, pool(1000, byDocid), { fraction: 1 }), ids);
});

t.test('without docids by the place in the file; by a column equal rows stay together', async (t) => {
  const placed = await sampled(
    t,
    pool(1000, () => ({})),
    { fraction: 0.3 },
  );
  t.strictSame(
    placed,
    ids.filter((_, row) => seededFraction(1, `pool.jsonl:${row}`) < 0.3),
  );
  t.strictSame(
    await sampled(
      t,
      pool(123, () => ({}), 9),
      { fraction: 0.3 },
    ),
    placed,
  );
  const nulls = (part: readonly string[]) => ({ docid: [new Utf8(), part.map(() => null)] as const });
  t.strictSame(await sampled(t, pool(1000, nulls), { fraction: 0.3 }), placed);
  const group = (part: readonly string[]) => ({
    group: [new Int64(), part.map((id) => BigInt(Number(id.slice(4)) % 10))] as const,
  });
  const together = new Set(
    (await sampled(t, pool(1000, group), { fraction: 0.5, column: 'group' })).map((id) => id.at(-1)),
  );
  t.strictSame(
    [...together].sort(),
    [...'0123456789'].filter((digit) => seededFraction(1, digit) < 0.5),
  );
  await t.rejects(sampled(t, pool(1000, byDocid), { fraction: 0.5, column: 'x' }), {
    message: /there is no column "x" to sample by/,
  });
});
