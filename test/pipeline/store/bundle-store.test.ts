import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int32 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { type Batch, type Bundle, keepRows, withColumn } from '../../../pipeline/batch.js';
import type { BundleStore, Making, StoreContext } from '../../../pipeline/component.js';
import { openBundleStore } from '../../../pipeline/store/bundle-store.js';
import { batchOf, cells, recordBatch } from '../../fixtures/engine.js';
import { testContext } from '../../transforms/context.js';

const making: Making = [
  { stage: 'read', facts: {} },
  { stage: 'work', facts: { k: 3 } },
];

interface Opened {
  readonly store: BundleStore;
  readonly context: ReturnType<typeof testContext>;
}

async function open(t: Test, dir: string, own: Partial<StoreContext> = {}, how = making): Promise<Opened> {
  const context = testContext(t);
  const more = { ifChanged: 'redo' as const, pieceSeconds: 0, stores: ['a', 'b'], ...own };
  return { store: await openBundleStore(join(dir, 'store'), how, { ...context, ...more }), context };
}

async function bundleOf(dir: string, name: string, content = name, rows?: number): Promise<Bundle> {
  const file = join(dir, name);
  await writeFile(file, content);
  return { ordinal: 0, file, firstRow: 0, rows, bytes: 1 };
}

/** Rows `from` to `to` of a bundle, with what was computed of them. */
function made(bundle: Bundle, from: number, to: number): Batch {
  const n = Array.from({ length: to - from }, (_, i) => from + i);
  const batch = batchOf(recordBatch({ n: [new Int32(), n] }), bundle, from);
  const twice = recordBatch({ m: [new Int32(), n.map((value) => 2 * value)] });
  return withColumn(batch, 'm', twice.data.children[0]!);
}

async function* stream(...batches: (Batch | Error)[]): AsyncGenerator<Batch> {
  for (const batch of batches) {
    if (batch instanceof Error) throw batch;
    yield batch;
  }
}

async function drain(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

t.test('an error, or a reader that leaves: what has come through is kept', async (t) => {
  const dir = t.testdir();
  const bundle = await bundleOf(dir, 'a');
  const { store } = await open(t, dir, { pieceSeconds: Infinity });
  const parts = [{ bundle, from: 0 }];
  await t.rejects(
    drain(store.keep(parts, stream(made(bundle, 0, 4), made(bundle, 6, 7), new Error('no')))),
    /no/,
  );
  t.equal(await store.covered(bundle), 7);
  for await (const _ of store.keep([{ bundle, from: 7 }], stream(made(bundle, 7, 9), made(bundle, 9, 20))))
    break;
  t.equal(await store.covered(bundle), 9);
  const later = await open(t, dir);
  t.equal(await later.store.covered(bundle), 9);
  const source = batchOf(recordBatch({ n: [new Int32(), [0, 1, 2, 3, 4, 5, 6, 7, 8]] }), bundle);
  const read = await drain(later.store.read(bundle, stream(source)));
  t.strictSame(cells(read, 'm'), [0, 2, 4, 6, 12, 14, 16]);
  t.equal(later.context.left.get('left out when the others were kept'), 2);
  await drain(
    later.store.keep([{ bundle, from: 9 }], stream(keepRows(made(bundle, 0, 1), new Uint32Array(0)))),
  );
  t.equal(await later.store.covered(bundle), Infinity, 'all rows that follow were left out');
});

t.test('remarks come back with the rows that they are about', async (t) => {
  const dir = t.testdir();
  const [a, b] = [await bundleOf(dir, 'a', 'a', 6), await bundleOf(dir, 'b')];
  const { store } = await open(t, dir);
  const parts = [
    { bundle: a, from: 0 },
    { bundle: b, from: 0 },
  ];
  const remarks = ({ bundle, from, to }: { bundle: Bundle; from: number; to: number }) =>
    bundle === a && from > 0 ? [`${from} to ${to}`] : [];
  await drain(store.keep(parts, stream(made(a, 0, 2), made(a, 2, 4), made(a, 4, 6), made(b, 0, 2)), remarks));
  const told: unknown[] = [];
  for (const bundle of [a, b]) {
    t.equal(await store.covered(bundle), Infinity);
    await drain(store.read(bundle, stream(made(bundle, 0, 6)), (own) => told.push(...own)));
  }
  t.strictSame(told, ['2 to 4', '4 to Infinity']);
});

t.test('two files with the same content are kept once', async (t) => {
  const dir = t.testdir();
  const [a, b] = [await bundleOf(dir, 'a', 'same'), await bundleOf(dir, 'b', 'same')];
  const { store } = await open(t, dir);
  const parts = [
    { bundle: a, from: 0 },
    { bundle: b, from: 0 },
  ];
  const out = await drain(
    store.keep(parts, stream(made(a, 0, 2), made(a, 2, 3), made(b, 0, 1), made(b, 1, 3))),
  );
  t.equal(out.length, 4);
  const names = (await readdir(join(dir, 'store'), { recursive: true })).filter((name) =>
    name.endsWith('.arrow'),
  );
  t.equal(names.length, 3, 'two batches, and the end');
});

t.test('a chain is compared with its own last run; damage to what tells of that is told', async (t) => {
  const dir = t.testdir();
  const other: Making = [making[0]!, { stage: 'work', facts: { k: 4 } }];
  t.strictSame((await open(t, dir, { stage: 'a' })).context.notes, []);
  t.strictSame((await open(t, dir, { stage: 'b' }, other)).context.notes, [], 'another chain');
  await t.rejects(open(t, dir, { stage: 'a', ifChanged: 'refuse' }, other), {
    message: /^a: what the last run kept was made otherwise \(work k: 3 and 4\): put it back/,
  });
  await t.resolves(open(t, dir, { stage: 'a', ifChanged: 'refuse' }), 'a refusal changes nothing');
  t.match((await open(t, dir, { stage: 'a' }, other)).context.notes, [/\(work k: 3 and 4\): it is not used/]);
  t.strictSame((await open(t, dir, { stage: 'a' }, other)).context.notes, []);
  await writeFile(join(dir, 'store/last-a.txt'), 'x');
  t.match((await open(t, dir, { stage: 'a' }, other)).context.notes, [/last-a.txt is damaged/]);
  t.strictSame((await open(t, dir, { stage: 'a' }, other)).context.notes, []);
  const name = (await readdir(join(dir, 'store'))).find((own) => !own.includes('.'))!;
  await writeFile(join(dir, 'store', name, 'making.json'), 'x');
  const notes = [...(await open(t, dir)).context.notes, ...(await open(t, dir, {}, other)).context.notes];
  t.match(notes.join(), 'making.json is damaged: written again');
});

t.test('where a stage is added or removed ids shift: chains are known by what they make', async (t) => {
  const dir = t.testdir();
  const work = (k: number): Making => [making[0]!, { stage: 'work', facts: { k } }];
  const [one, two, three] = [work(3), work(4), work(5)];
  /** What is said where each stage makes this, all in one run. */
  const run = async (makings: Record<string, Making>, ifChanged: 'redo' | 'refuse' = 'redo') => {
    const stores = Object.keys(makings);
    const context = testContext(t);
    const own = { ...context, ifChanged, pieceSeconds: 0, stores };
    for (const [stage, how] of Object.entries(makings))
      await openBundleStore(join(dir, 'store'), how, { ...own, stage });
    return context.notes;
  };
  t.strictSame(await run({ a: one, b: two }), []);
  t.strictSame(await run({ a: three, b: one, c: two }), [], 'added before them');
  t.strictSame(await run({ a: one, b: two }, 'refuse'), [], 'removed again');
  t.match(
    await run({ a: work(6), b: two }),
    [/^what the last run kept was made otherwise .*k: 3 and 6/],
    'changed',
  );
  await t.rejects(run({ a: work(7), b: two }, 'refuse'), /^a: .*k: 6 and 7/);
});

t.test('the same content in another partition is something else', async (t) => {
  const dir = t.testdir();
  const bundle = await bundleOf(dir, 'a', 'the same');
  const { store } = await open(t, dir);
  const german = { ...bundle, partition: '[["lang","de"]]' };
  await drain(store.keep([{ bundle: german, from: 0 }], stream(made(german, 0, 4))));
  t.strictSame(
    [
      await store.covered(german),
      await store.covered(bundle),
      await store.covered({ ...bundle, partition: '' }),
    ],
    [Infinity, 0, 0],
  );
});
