import { readdir } from 'node:fs/promises';
import { Float64, Int32 } from 'apache-arrow';
import t from 'tap';
import { type Batch, keepRows } from '../../../pipeline/batch.js';
import { rank } from '../../../transforms/rank.js';
import { allSame } from '../../fixtures/all-same.js';
import { combineContext, combineSplit, startCombine } from '../../fixtures/combine.js';
import { batchOf, cells, recordBatch } from '../../fixtures/engine.js';
import { randomIntegers } from '../nag/random.js';
import {
  arriving,
  byRank,
  distanceOf,
  expected,
  float,
  qualityOf,
  ranked,
  read,
  reread,
  rows,
  scored,
  targets,
} from './several-pool.js';

const everySetting = [
  { fraction: 0.3 },
  { fraction: 1 },
  { tokens: 700 },
  { tokens: 2 },
  { fraction: 0.5, shares: { near: 0.5, far: 0.2, 'é 😀': 0.3 } },
  { fraction: 0.4, deduplicate: true },
  { fraction: 0.4, quality: { column: 'quality' } },
  { tokens: 900, quality: { column: 'quality', invert: true }, deduplicate: true },
];

t.test('equals a plain sort, and any split of the pool, in memory and on disk', async (t) => {
  const dir = t.testdir();
  const random = randomIntegers(3);
  await allSame(t, 'rows and targets, by rank', async (same) => {
    for (const setting of everySetting) {
      for (const memory of [{}, { memory_mb: 0.004 }]) {
        const name = JSON.stringify({ ...setting, ...memory });
        const whole = await ranked({ ...setting, ...memory }, dir);
        same(byRank(whole), expected(setting), name);
        for (let trial = 0; trial < 3; trial++) {
          const split = await ranked({ ...setting, ...memory }, dir, arriving, 2 + random(4), random);
          same(byRank(split), byRank(whole), `${name}, split ${trial}`);
          const [figures, all] = [split, whole].map(({ context }) => new Map([...context.figures].sort()));
          same(figures, all, `${name}, split ${trial}: figures`);
          same(split.context.provenance, whole.context.provenance, `${name}, split ${trial}: provenance`);
        }
      }
    }
  });
  t.strictSame(await readdir(dir), [], 'nothing is left on disk');
});

t.test(
  'rows come in input order, then in that of the targets; with all columns, and their distance',
  async (t) => {
    const result = await ranked({ fraction: 0.9 }, t.testdir());
    const [orders, names, distances] = ['order', 'target', 'nag_distance'].map((column) =>
      cells(result.batches, column),
    );
    const places = orders!.map((order, i) => (order as number) * 10 + targets.indexOf(names![i] as string));
    t.strictSame(
      places,
      places.toSorted((a, b) => a - b),
    );
    t.ok(new Set(orders).size < orders!.length, 'some documents are chosen several times');
    t.strictSame(
      distances,
      orders!.map((order, i) => distanceOf(rows[order as number]!, targets.indexOf(names![i] as string))),
    );
    t.strictSame(
      cells(result.batches, 'quality'),
      orders!.map((order) => qualityOf(rows[order as number]!) ?? Number.NaN),
    );
    t.strictSame(
      result.batches[0]?.columns.schema.fields.map((field) => field.name),
      ['docid', 'token_num', 'd', 'doc', 'keep', 'order', 'quality', 'nag_distance', 'target', 'nag_rank'],
    );
    t.ok(
      result.batches.every((batch) => batch.rows.length <= 20),
      'no batch has grown',
    );
  },
);

t.test('every row is accounted for', async (t) => {
  for (const setting of everySetting) {
    const { batches, context } = await ranked(setting, t.testdir());
    const left = [...context.figures].reduce(
      (sum, [name, n]) => (name.startsWith('left out') ? sum + n : sum),
      0,
    );
    const out = batches.reduce((sum, batch) => sum + batch.rows.length, 0);
    t.equal(left + out - (context.figures.get('repeats') ?? 0), rows.length, JSON.stringify(setting));
  }
});

t.test('the overlap of the selections is told, before duplicates are dropped', async (t) => {
  for (const deduplicate of [false, true]) {
    const { context } = await ranked({ fraction: 0.9, deduplicate }, t.testdir());
    const chosen = expected({ fraction: 0.9 });
    const of = (name: string) =>
      new Set(chosen.filter((one) => one.endsWith(` ${name}`)).map((one) => one.split(' ')[0]));
    const common = targets.map((a) => targets.map((b) => [...of(a)].filter((one) => of(b).has(one)).length));
    const overlap = JSON.parse(context.provenance.get('nag.overlap') ?? '');
    t.match(overlap, { targets, common, documents: targets.map((name) => of(name).size) });
    const either = new Set([...of('near'), ...of('far')]).size;
    t.equal(overlap.jaccard[0][1], common[0]![1]! / either);
    t.match(context.reports, [
      /^Overlap of the selections of combine: [^\n]*\n +target +documents +near +far/,
    ]);
  }
});

t.test('an empty pool gives no rows but columns, and one without tokens stops', async (t) => {
  const none = scored(keepRows(read[0]!, new Uint32Array(0)));
  const free = arriving.map((batch) => float(batch, 'token_num', new Float64Array(batch.rows.length)));
  async function* nothing() {
    yield keepRows(read[0]!, new Uint32Array(0));
  }
  for (const quality of [undefined, { column: 'quality' }]) {
    const chosen = async (input: readonly Batch[]) => {
      const context = combineContext(t.testdir(), nothing);
      const accumulator = await startCombine<AsyncIterable<Batch>>(rank, { fraction: 0.5, quality }, context);
      const batches: Batch[] = [];
      try {
        for await (const batch of await combineSplit(accumulator, input, 2, () => 0)) batches.push(batch);
      } finally {
        await accumulator.close?.();
      }
      return batches;
    };
    const batches = await chosen([none]);
    t.equal(batches.length, 1);
    t.equal(batches[0]?.rows.length, 0);
    const names = batches[0]?.columns.schema.fields.map((field) => field.name);
    t.strictSame(names?.slice(-2), ['target', 'nag_rank']);
    await t.rejects(chosen(free), {
      name: 'NagError',
      message: /documents have no tokens: the column "token_num"/,
    });
  }
});

t.test('leaving early, and errors, leave nothing on disk', async (t) => {
  for (const setting of [
    { fraction: 0.9, memory_mb: 0.004, deduplicate: true },
    { fraction: 0.9, memory_mb: 0.004, quality: { column: 'quality' } },
  ]) {
    const dir = t.testdir();
    const context = combineContext(dir, reread);
    const accumulator = await startCombine<AsyncIterable<Batch>>(rank, setting, context);
    for await (const _ of await combineSplit(accumulator, arriving, 2, () => 0)) break;
    await accumulator.close?.();
    t.strictSame(await readdir(dir), []);

    const last = arriving.at(-1)!;
    const negative = float(last, 'token_num', new Float64Array(last.rows.length).fill(-1));
    const broken = { ...negative, computed: last.computed };
    await t.rejects(ranked(setting, dir, [...arriving.slice(0, -1), broken]), {
      message: /number of tokens/,
    });
    t.strictSame(await readdir(dir), []);
  }
});

t.test('what cannot be ranked together is refused', async (t) => {
  const dir = t.testdir();
  const [first, second] = read;
  const cases: [Record<string, unknown>, Batch[], RegExp][] = [
    [{ shares: { near: 0.5, far: 0.5 } }, [scored(first!)], /shares: "é 😀" has no share; .*near, far, é 😀/],
    [
      { shares: { near: 0.5, far: 0.2, 'é 😀': 0.2, other: 0.1 } },
      [scored(first!)],
      /shares: there is no target "other"/,
    ],
    [
      { shares: { near: 1 } },
      [float(first!, 'nag_distance', new Float64Array(first!.rows.length))],
      /no target "near".*one without a name/,
    ],
    [{}, [scored(first!, ['near', 'far']), scored(second!, ['far', 'near'])], /in the same order/],
    [
      {},
      [float(scored(first!), 'nag_distance', new Float64Array(first!.rows.length))],
      /two score stages stand before rank/,
    ],
  ];
  for (const [setting, input, message] of cases)
    await t.rejects(ranked({ fraction: 0.5, ...setting }, dir, input), { message }, String(message));
});

t.test('shares that do not add up are refused with the configuration', async (t) => {
  const parse = (shares: Record<string, number>) => rank.options.safeParse({ fraction: 0.5, shares });
  t.ok(parse({ a: 0.1, b: 0.2, c: 0.7 }).success, 'within rounding');
  t.match(parse({ a: 0.5, b: 0.6 }).error?.issues, [{ path: ['shares'], message: /must add up to 1/ }]);
  t.notOk(parse({ a: 1.5, b: -0.5 }).success);
});

t.test("a pool's own column of that name is replaced, and that is said", async (t) => {
  const own = recordBatch({
    token_num: [new Float64(), [1, 1]],
    order: [new Int32(), [0, 1]],
    target: [new Int32(), [7, 8]],
  });
  const batch = batchOf(own, 0);
  async function* again() {
    yield batch;
  }
  const context = combineContext(t.testdir(), again);
  const accumulator = await startCombine<AsyncIterable<Batch>>(rank, { fraction: 1 }, context);
  const batches: Batch[] = [];
  const input = scored(batch, ['near']);
  for await (const out of await combineSplit(accumulator, [input], 1, () => 0)) batches.push(out);
  await accumulator.close?.();
  t.strictSame(cells(batches, 'target'), ['near', 'near']);
  t.match(context.notes, [/docids/, 'the pool\'s own column "target" is replaced']);
});
