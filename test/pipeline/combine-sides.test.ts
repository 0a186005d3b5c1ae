import { Int32 } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { defineCombine } from '../../pipeline/component.js';
import { z } from '../../pipeline/index.js';
import {
  cells,
  collectSink,
  memorySource,
  numbers,
  recordBatch,
  runStages,
  sinkLog,
} from '../fixtures/engine.js';

const options = z.strictObject({ factor: z.int().default(1) });
const described = { summary: '', example: '', options, needs: () => ({ columns: ['n'] }) };
const sumOf = (batch: Batch) => cells([batch], 'n').reduce<number>((sum, n) => sum + Number(n), 0);

/** The sum of a column, times the stage's own factor. */
const total = defineCombine<typeof options, number, number>({
  ...described,
  name: 'test.total',
  yields: 'value',
  start: async ({ factor }) => ({
    create: () => 0,
    add: (sum, batch) => sum + sumOf(batch),
    merge: (a, b) => a + b,
    extract: (sum) => factor * sum,
  }),
});

/** Its own sum and that of a side, as a row. */
const both = defineCombine<typeof options, number, AsyncIterable<Batch>>({
  ...described,
  name: 'test.both',
  yields: 'rows',
  optionalSides: ['other'],
  gathers: { other: total },
  start: async (_options, _context, sides) => ({
    create: () => 0,
    add: (sum, batch) => sum + sumOf(batch),
    merge: (a, b) => a + b,
    extract: async function* (sum) {
      const columns = recordBatch({
        own: [new Int32(), [sum]],
        other: [new Int32(), [sides.get('other') ?? -1]],
      });
      const bundle = { ordinal: 0, file: 'both', firstRow: 0, rows: 1, bytes: 0 };
      const roles = {};
      yield { columns, bundle, rows: Uint32Array.of(0), computed: new Set(), removed: new Set(), roles };
    },
  }),
});

t.test('a combine gets what its side gathers, with its own options', async (t) => {
  const log = sinkLog();
  const result = await runStages(
    [
      ['a', memorySource(numbers(1, 2, 3, new Int32()))],
      ['b', memorySource(numbers(2, 1, 5, new Int32()))],
      ['both', both, { factor: 10 }, ['a'], { other: 'b' }],
      ['out', collectSink(log)],
    ],
    { tempDir: t.testdir() },
  );
  t.strictSame([cells(log.batches, 'own'), cells(log.batches, 'other')], [[15], [450]]);
  t.equal(result.stats.get('both.other')?.rowsIn, 10);
});

t.test('the same rows may come in on both ways, and the side may be left out', async (t) => {
  for (const [sides, expected] of [
    [{ other: 'a' }, 15],
    [{}, -1],
  ] as const) {
    const log = sinkLog();
    await runStages(
      [
        ['a', memorySource(numbers(1, 2, 3, new Int32()))],
        ['both', both, {}, ['a'], sides],
        ['out', collectSink(log)],
      ],
      { tempDir: t.testdir() },
    );
    t.strictSame([cells(log.batches, 'own'), cells(log.batches, 'other')], [[15], [expected]]);
  }
});
