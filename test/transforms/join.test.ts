import { Field, FixedSizeList, Float64, Int32, Int64, Utf8, vectorFromArray } from 'apache-arrow';
import t, { type Test } from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { withColumn } from '../../pipeline/batch.js';
import type { Combine } from '../../pipeline/component.js';
import { type FeatureInfo, featureData, featureMetadata, findFeatures } from '../../transforms/columns.js';
import type { KeyIndex } from '../../transforms/join/key-index.js';
import { join } from '../../transforms/join.js';
import { allSame } from '../fixtures/all-same.js';
import { combineContext, combineSplit, startCombine } from '../fixtures/combine.js';
import { batchOf, type Column, cells, recordBatch } from '../fixtures/engine.js';
import { testContext, transformed } from './context.js';
import { randomIntegers } from './nag/random.js';

const text = new Utf8();
const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 2,
  k: 3,
  width: 50,
  model: 'a',
  tokenizer: 'b',
  maxLength: 9,
};
const gather = join.gathers!['features'] as Combine;

function rows(columns: Readonly<Record<string, Column>>, ordinal: number): Batch {
  return batchOf(recordBatch(columns), ordinal);
}

/** A batch of documents with features that follow from their docids. */
function featured(docids: readonly string[], ordinal: number): Batch {
  const values = Int32Array.from({ length: docids.length * 6 }, (_, i) =>
    featureOf(docids[Math.floor(i / 6)]!, i % 6),
  );
  const data = featureData(values, docids.length, info);
  return withColumn(rows({ docid: [text, docids] }, ordinal), 'fwd_up_feature', data, {
    nullable: false,
    metadata: featureMetadata(info),
  });
}

function featureOf(docid: string, place: number): number {
  return (docid.length * 7 + docid.charCodeAt(docid.length - 1) + place) % 50;
}

async function indexOf(
  t: Test,
  batches: readonly Batch[],
  options: Record<string, unknown> = {},
  parts = 1,
  random: (n: number) => number = () => 0,
): Promise<{ index: KeyIndex; notes: string[]; figures: Map<string, number> }> {
  const context = combineContext(t.testdir(), async function* () {});
  const accumulator = await startCombine<KeyIndex>(gather, options, context);
  t.teardown(() => accumulator.close?.());
  const index = await combineSplit(accumulator, batches, parts, random);
  return { index, notes: context.notes, figures: context.figures };
}

async function joined(
  t: Test,
  docs: readonly Batch[],
  features: readonly Batch[],
  options: Record<string, unknown> = {},
  parts = 1,
  random: (n: number) => number = () => 0,
) {
  const { index, notes } = await indexOf(t, features, options, parts, random);
  const context = testContext(t);
  const batches = await transformed(join, options, docs, context, { features: index });
  return { batches, notes: [...notes, ...context.notes], left: context.left };
}

function shuffled<T>(values: readonly T[], random: (n: number) => number): T[] {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

function inBatches(
  docids: readonly string[],
  random: (n: number) => number,
  make: (ids: string[], ordinal: number) => Batch,
): Batch[] {
  const batches: Batch[] = [];
  for (let at = 0; at < docids.length; ) {
    const size = 1 + random(700);
    batches.push(make(docids.slice(at, at + size), batches.length));
    at += size;
  }
  return batches;
}

t.test('features find their documents in whatever order, however the index is split', async (t) => {
  const random = randomIntegers(5);
  const docids = Array.from({ length: 5000 }, (_, i) =>
    i % 3 === 0 ? `döc-${i}` : `${i}-${'x'.repeat(i % 4)}`,
  );
  const docs = inBatches(shuffled(docids, random), random, (ids, i) => rows({ docid: [text, ids] }, i));
  for (const [memory_mb, parts] of [
    [256, 1],
    [0.001, 1],
    [0.001, 3],
  ] as const) {
    const features = inBatches(shuffled(docids, random), random, featured);
    const { batches } = await joined(t, docs, features, { memory_mb }, parts, random);
    t.strictSame(cells(batches, 'docid'), cells(docs, 'docid'), 'rows keep their order');
    allSame(t, 'features of every batch', (same) => {
      for (const [i, batch] of batches.entries()) {
        const found = findFeatures(batch.columns, undefined);
        same(found.info, info, `batch ${i}: how they were made`);
        const ids = cells([batch], 'docid') as string[];
        const expected = ids.flatMap((id) => [0, 1, 2, 3, 4, 5].map((place) => featureOf(id, place)));
        same([...found.values], expected, `batch ${i}`);
      }
    });
  }
});

t.test('what has no counterpart is an error, or counted and told', async (t) => {
  const docs = [rows({ docid: [text, ['a', 'b', 'c', 'd']] }, 3)];
  const features = [featured(['x', 'c', 'a', 'y', 'z'], 0)];
  await t.rejects(joined(t, docs, features), {
    message:
      /2 rows have nothing in the side input \(the first: memory-3.*1.*\), and 3 rows of the side input belong to no row.*allow: \[unmatched\]/,
  });
  const { batches, notes, left } = await joined(t, docs, features, { allow: ['unmatched'] });
  t.strictSame(cells(batches, 'docid'), ['a', 'c']);
  t.strictSame([...left], [['not in the side input', 2]]);
  t.match(notes.join(), /2 rows have nothing .* 3 rows of the side input/);
});

t.test('of duplicates the first in the input is taken, in any split, or it is an error', async (t) => {
  const random = randomIntegers(9);
  const value = (n: number[], ordinal: number) =>
    rows({ docid: [text, n.map((i) => `id${i % 1500}`)], value: [new Int32(), n] }, ordinal);
  const all = Array.from({ length: 4000 }, (_, i) => i);
  const side = Array.from({ length: 8 }, (_, i) => value(all.slice(i * 500, (i + 1) * 500), i));
  const docs = [rows({ docid: [text, all.slice(0, 1500).map((i) => `id${i}`)] }, 20)];
  await t.rejects(joined(t, docs, side), {
    message: /2500 rows of the side input have a key that an earlier one has \(such as "id\d+"\)/,
  });
  for (const parts of [1, 4]) {
    const { batches, notes } = await joined(
      t,
      docs,
      side,
      { allow: ['duplicates'], memory_mb: 0.001 },
      parts,
      random,
    );
    t.strictSame(cells(batches, 'value'), all.slice(0, 1500));
    t.match(notes.join(), /the first of each is taken/);
  }
  const twice = await joined(
    t,
    [docs[0]!, docs[0]!].map((batch, i) => ({ ...batch, bundle: { ...batch.bundle, ordinal: 20 + i } })),
    [value(all.slice(0, 1500), 0)],
  );
  t.equal(cells(twice.batches, 'value').length, 3000, 'several rows may have the same counterpart');
});

t.test('numbers, dates, text and nulls come through', async (t) => {
  const side = [
    rows(
      {
        docid: [new Int64(), [3n, 1n, -2n]],
        score: [new Float64(), [0.5, null, -1]],
        words: [text, ['three', '', null]],
      },
      0,
    ),
  ];
  const docs = [rows({ docid: [new Int32(), [-2, 3, 1]] }, 1)];
  const { batches } = await joined(t, docs, side);
  t.strictSame(cells(batches, 'score'), [-1, 0.5, null]);
  t.strictSame(cells(batches, 'words'), [null, 'three', '']);
  const some = await joined(t, docs, side, { columns: ['words'] });
  t.strictSame(
    some.batches[0]!.columns.schema.fields.map(({ name }) => name),
    ['docid', 'words'],
  );
});

t.test('keys of different kinds, columns that both have, and missing columns are named', async (t) => {
  const docs = [rows({ docid: [new Int32(), [1]], value: [new Int32(), [1]] }, 1)];
  const side = (id: Column) => [rows({ docid: id, value: [new Int32(), [1]] }, 0)];
  await t.rejects(joined(t, docs, side([text, ['1']])), {
    message: /text in one input and whole numbers in another.*cast/,
  });
  await t.rejects(joined(t, docs, side([new Int32(), [1]])), {
    message: /both inputs have the columns value/,
  });
  await t.rejects(joined(t, docs, side([new Int32(), [1]]), { on: 'key' }), { message: /no column "key"/ });
  await t.rejects(joined(t, docs, [rows({ docid: [text, [null]], other: [text, ['x']] }, 0)]), {
    message: /docid is null/,
  });
});

t.test('no rows on one side or on both', async (t) => {
  const none = [rows({ docid: [text, []] }, 1)];
  const { batches } = await joined(t, none, [featured([], 0)]);
  t.strictSame(
    batches.map(({ rows }) => rows.length),
    [0],
  );
  t.ok(batches[0]!.columns.getChild('fwd_up_feature'), 'the columns are there');
  await t.rejects(joined(t, none, [featured(['a'], 0)]), {
    message: /1 rows of the side input belong to no row/,
  });
});

t.test('nulls inside lists of one length stay nulls', async (t) => {
  const type = new FixedSizeList(9, new Field('item', new Int32(), true));
  const lists = [
    [1, null, 3, 4, 5, 6, 7, null, null],
    null,
    Array.from({ length: 9 }, () => null),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  ];
  const other = rows({ docid: [text, ['a', 'b', 'c', 'd']] }, 0);
  const lined = withColumn(other, 'list', vectorFromArray(lists, type).data[0]!);
  const docs = rows({ docid: [text, ['d', 'c', 'b', 'a']] }, 0);
  const { batches } = await joined(t, [docs], [lined], { columns: ['list'] });
  const found = [...batches[0]!.columns.getChild('list')!].map((list) => list && [...list]);
  t.strictSame(found, lists.toReversed());
});
