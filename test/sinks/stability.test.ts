import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Float64, Int32, Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { publishAll } from '../../pipeline/publication/publish.js';
import { stability } from '../../sinks/stability.js';
import { allSame, within } from '../fixtures/all-same.js';
import { batchOf, type Column, recordBatch } from '../fixtures/engine.js';
import { readGolden } from '../fixtures/golden.js';
import { testContext } from '../transforms/context.js';

type Columns = Readonly<Record<string, Column>>;

async function compared(t: Test, batches: readonly Columns[], options: Record<string, unknown>) {
  const context = testContext(t);
  const input = (async function* () {
    for (const [i, columns] of batches.entries()) yield batchOf(recordBatch(columns), i);
  })();
  const prepared = await stability.run(input, stability.options.parse(options), context, new Map());
  return { prepared, lines: prepared.report!.split('\n'), left: context.left };
}

interface Golden {
  readonly stability: readonly {
    readonly values: Readonly<Record<string, readonly number[]>>;
    readonly tokens: readonly number[];
    readonly compared: readonly {
      readonly fraction: number;
      readonly by: 'count' | 'tokens';
      readonly target: string;
      readonly spearman: number;
      readonly jaccard: number;
    }[];
  }[];
}

const float = new Float64();

t.test("correlations as SciPy's, overlap as scikit-learn's, in any batches", async (t) => {
  const dir = t.testdir({});
  let file = 0;
  await allSame(t, 'what is written', async (same) => {
    for (const { values, tokens, compared: expected } of readGolden<Golden>('statistics', 'statistics')
      .stability) {
      const part = (from: number, to: number): Columns => ({
        token_num: [new Int32(), tokens.slice(from, to)],
        ...Object.fromEntries(
          Object.entries(values).map(([name, own]) => [
            `nag_distance_${name}`,
            [float, own.slice(from, to)] as const,
          ]),
        ),
      });
      const batches = [part(0, 2), part(2, 5), part(5, tokens.length)];
      for (const fraction of [0.2, 0.5])
        for (const by of ['count', 'tokens']) {
          const path = join(dir, `${file++}.json`);
          const { prepared } = await compared(t, batches, { fraction, by, path });
          await publishAll(prepared.outputs, { together: false });
          await prepared.discard();
          const written = JSON.parse(await readFile(path, 'utf8')) as {
            documents: number;
            targets: { target: string; spearman: number; jaccard: number }[];
          };
          const name = `${tokens.length} documents, ${fraction} by ${by}`;
          same(written.documents, tokens.length, name);
          const wanted = expected.filter((one) => one.fraction === fraction && one.by === by);
          for (const [i, one] of wanted.entries()) {
            const found = written.targets[i]!;
            same(found.target, one.target, `${name}: target ${i}`);
            for (const figure of ['spearman', 'jaccard'] as const)
              same(
                within(1e-12, found[figure], one[figure]),
                one[figure],
                `${name}: ${figure} of ${one.target}`,
              );
          }
        }
    }
  });
});

const rows = (a: readonly (number | null)[], all: readonly (number | null)[]): Columns => ({
  nag_distance_a: [float, a],
  nag_distance_all: [float, all],
  'nag_distance_b.c': [float, all],
});

t.test('the printed table', async (t) => {
  const { lines, prepared, left } = await compared(t, [rows([1, 2, 3, null], [1, 3, 2, 4])], {
    fraction: 0.34,
  });
  t.equal(prepared.rows, 3);
  t.strictSame([...left], [['without a distance', 1]]);
  t.strictSame(lines.slice(0, 2), [
    'Rankings compared with that of "all"',
    '3 documents; Jaccard of the nearest 34 % of the documents',
  ]);
  t.match(lines[3], /^ +a +0\.5000 +1\.0000$/);
  t.match(lines[4], /^ +b\.c +1\.0000 +1\.0000$/);
  const named = await compared(t, [rows([1, 2], [2, 1])], { reference: 'a', targets: ['b.c'], title: 'T' });
  t.equal(named.lines[0], 'T');
  t.match(named.lines[3], /^ +b\.c +-1\.0000 +0\.0000$/);
  t.match((await compared(t, [rows([], [])], {})).lines[3], /^ +a +- +1\.0000$/);
  t.match((await compared(t, [], {})).lines[1], /^0 documents/);
});

t.test('equal distances are ordered by docid, as rank orders them', async (t) => {
  const target = (
    docids: readonly string[],
    distance: readonly number[],
    all: readonly number[],
  ): Columns => ({
    docid: [new Utf8(), docids],
    nag_distance_a: [float, distance],
    nag_distance_all: [float, all],
  });
  // Among equal ones "a" is nearest to both, wherever it comes in the input.
  const tied = target(['d', 'c', 'b', 'a'], [0, 0, 0, 0], [1, 1, 1, 0]);
  const { lines } = await compared(t, [tied], { fraction: 0.25 });
  t.match(lines[3], /^ +a +- +1\.0000$/);
  const without: Columns = {
    nag_distance_a: tied['nag_distance_a']!,
    nag_distance_all: tied['nag_distance_all']!,
  };
  t.match((await compared(t, [without], { fraction: 0.25 })).lines[3], /^ +a +- +0\.0000$/, 'without docids');
});

t.test('what cannot be compared', async (t) => {
  await t.rejects(compared(t, [rows([1], [1])], { targets: ['x'] }), {
    message: /there is no column "nag_distance_x" \(targets: a, all, b\.c\); score with a profile of several/,
  });
  await t.rejects(compared(t, [{ nag_distance: [float, [1]] }], {}), {
    message: /there is no column "nag_distance_all" \(targets: none\)/,
  });
  await t.rejects(compared(t, [{ nag_distance_all: [float, [1]] }], {}), {
    message: /there is nothing to compare with it \(targets: all\)/,
  });
  const other: Columns = { nag_distance_a: [float, [1]], nag_distance_all: [float, [1]] };
  await t.rejects(compared(t, [rows([1], [1]), other], {}), {
    message: 'memory-1: has distances to a, all, and those before to a, all, b.c',
  });
  await t.rejects(compared(t, [rows([1, 2], [1, 2])], { memory_mb: 0.0001 }), {
    message: /2 documents and 3 targets take more than memory_mb: 0\.0001/,
  });
});
