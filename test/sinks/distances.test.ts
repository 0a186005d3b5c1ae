import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Float32, Float64, Int32, Int64, Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { publishAll } from '../../pipeline/publication/publish.js';
import { distances } from '../../sinks/distances.js';
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
  const prepared = await distances.run(input, distances.options.parse(options), context, new Map());
  return { prepared, lines: prepared.report!.split('\n'), left: context.left };
}

const rows = (groups: readonly (string | null)[], values: readonly (number | null)[]): Columns => ({
  split: [new Utf8(), groups],
  nag_distance: [new Float64(), values],
});

interface Golden {
  readonly groups: readonly {
    readonly values: readonly (readonly number[])[];
    readonly figures: readonly Readonly<Record<string, number>>[];
    readonly auc: number;
  }[];
}

t.test('figures and AUC as those of NumPy and scikit-learn, in any batches', async (t) => {
  const dir = t.testdir({});
  for (const { values, figures, auc } of readGolden<Golden>('statistics', 'statistics').groups) {
    const path = join(dir, `${auc}.json`);
    const batches = values.flatMap((own, group) =>
      [own.slice(0, 3), own.slice(3)].map((part) => rows(Array(part.length).fill(`group ${group}`), part)),
    );
    const { prepared } = await compared(t, batches, { by: 'split', group: 'group 0', path });
    t.strictSame(prepared.files, [path]);
    await t.rejects(readFile(path), 'not there before it is published');
    await publishAll(prepared.outputs, { together: false });
    await prepared.discard();
    const written = JSON.parse(await readFile(path, 'utf8')) as {
      groups: (Record<string, number> & { group: unknown })[];
      auc: { group: string; value: number };
    };
    allSame(t, 'the figures', (same) => {
      for (const [i, expected] of figures.entries()) {
        same(written.groups[i]!.group, `group ${i}`, `group ${i}: its name`);
        for (const [name, value] of Object.entries(expected))
          same(within(1e-12, written.groups[i]![name]!, value), value, `group ${i}: ${name}`);
      }
    });
    t.equal(written.auc.group, 'group 0');
    t.ok(Math.abs(written.auc.value - auc) < 1e-12);
    await (await compared(t, [], { by: 'split' })).prepared.discard();
  }
});

t.test('the printed table, with a chart', async (t) => {
  const held = rows(['held-out', 'held-out'], [0.1, 0.2]);
  const pool = rows(['pool', null, 'pool'], [0.2, 0.9, 0.5]);
  const { lines, prepared } = await compared(t, [held, pool], { by: 'split', group: 'held-out', title: 'T' });
  t.equal(prepared.rows, 5);
  t.equal(lines[0], 'T');
  t.match(lines[1], /split +n +mean +sd +5 % +25 % +50 % +75 % +95 % +0\.1000 … 0\.9000$/);
  t.match(lines[2], /held-out +2 +0\.1500 +0\.0707 +0\.1050 .* {2}█ {2}█$/);
  t.match(lines[3], /pool +2 +0\.3500 /);
  t.match(lines[4], /- +1 +0\.9000 +- /);
  t.match(lines[5], /^AUC of "held-out" against the rest: 0\.9167 /);
});

t.test('a group that is not there, rows without a distance, other numbers, no rows', async (t) => {
  const missing = await compared(t, [rows(['a', 'b', 'b'], [0.5, null, Number.NaN])], {
    by: 'split',
    group: 'c',
  });
  t.match(missing.lines.at(-1), /^no AUC: there are no rows whose split is "c", or no others$/);
  t.strictSame([...missing.left], [['no nag_distance', 2]]);
  const long: Columns = { kind: [new Int32(), [1, 2]], tokens: [new Int64(), [3n, 5n]] };
  const { lines } = await compared(t, [long], { by: 'kind', column: 'tokens' });
  t.equal(lines[0], 'tokens by kind');
  t.match(lines[3], /2 +1 +5\.0000/);
  const equal = await compared(t, [{ kind: long['kind']!, d: [new Float32(), [1, 1]] }], {
    by: 'kind',
    column: 'd',
  });
  t.match(equal.lines[2], /1\.0000 {2}█$/);
  t.equal((await compared(t, [rows([], [])], { by: 'split', group: 'a' })).lines.length, 3);
});

t.test('what cannot be compared', async (t) => {
  await t.rejects(compared(t, [rows(['a'], [1])], { by: 'kind' }), {
    message: 'memory-0: there is no column "kind" to compare (columns: split, nag_distance)',
  });
  const many = rows(
    Array.from({ length: 101 }, (_, i) => `${i}`),
    Array(101).fill(0.5),
  );
  await t.rejects(compared(t, [many], { by: 'split' }), { message: /has more than 100 different values/ });
  await t.rejects(compared(t, [rows(['a', 'a'], [1, 2])], { by: 'split', memory_mb: 0.00004 }), {
    message: /2 rows take more than memory_mb: 0\.00004 \(24 bytes each\)/,
  });
});
