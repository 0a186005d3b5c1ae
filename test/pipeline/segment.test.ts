import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Int32 } from 'apache-arrow';
import t from 'tap';
import { z } from 'zod';
import { type Batch, keepRows } from '../../pipeline/batch.js';
import { defineCombine, defineSink } from '../../pipeline/component.js';
import {
  cells,
  collectSink,
  gate,
  mapStage,
  memorySource,
  numbers,
  runStages,
  settle,
  sinkLog,
  sourceLog,
} from '../fixtures/engine.js';

const int = new Int32();

/** Fails the test's own way when a batch with this number comes. */
function failAt(batch: number, error: unknown) {
  let seen = 0;
  return mapStage((rows) => {
    if (seen++ === batch) throw error;
    return rows;
  });
}

/** Counts the numbers. */
function sum(onBatch: (batch: Batch) => unknown = () => undefined, start: () => unknown = () => undefined) {
  return defineCombine<ReturnType<typeof noOptions>, number, number>({
    name: 'test.sum',
    summary: 'Sum of n',
    options: noOptions(),
    example: '',
    yields: 'value',
    needs: () => ({ columns: ['n'] }),
    start: async () => {
      await start();
      return {
        create: () => 0,
        add: async (partial, batch) => {
          await onBatch(batch);
          return (cells([batch], 'n') as number[]).reduce((a, b) => a + b, partial);
        },
        merge: (a, b) => a + b,
        extract: (partial) => partial,
      };
    },
  });
}

function noOptions() {
  return z.strictObject({});
}

t.test('a slow sink, or the slower one of two, holds the source back', async (t) => {
  const temp = t.testdir();
  for (const readers of [['slow'], ['fast', 'slow'], ['slow', 'fast']]) {
    const log = sourceLog();
    let taken = 0;
    let ahead = 0;
    const slow = collectSink(sinkLog(), async () => {
      taken++;
      await settle();
      ahead = Math.max(ahead, log.batches - taken);
    });
    const pass = mapStage((batch) => batch);
    await runStages(
      [
        ['source', memorySource(numbers(4, 10, 3, int), { log })],
        ['pass', pass],
        ...readers.map((name) => [name, name === 'slow' ? slow : collectSink(), {}, ['pass']] as const),
      ],
      { tempDir: temp },
    );
    t.equal(taken, 40);
    t.ok(ahead <= 2, `${readers.join(', ')}: at most 2 batches ahead, found ${ahead}`);
  }
});

t.test('a slow combine holds the source back', async (t) => {
  const log = sourceLog();
  let [taken, ahead] = [0, 0];
  const slow = sum(async () => {
    taken++;
    await settle();
    ahead = Math.max(ahead, log.batches - taken);
  });
  await runStages(
    [
      ['source', memorySource(numbers(1, 20, 3, int), { log })],
      ['sum', slow],
      ['out', collectSink(), {}, ['source']],
    ],
    { tempDir: t.testdir() },
  );
  t.equal(taken, 20);
  t.ok(ahead <= 2, `found ${ahead}`);
});

t.test(
  'an error in any kind of stage is thrown as itself, closes the sources, and publishes nothing',
  async (t) => {
    const tempDir = t.testdir();
    const error = new Error('this one');
    const rows = () => numbers(3, 5, 3, int);
    const throwing = () => {
      throw error;
    };
    const pass = mapStage((batch) => batch);
    for (const [kind, faults] of Object.entries({
      source: { source: { failAt: { batch: 7, error } } },
      transform: { transform: failAt(7, error) },
      'transform at the end': {
        transform: mapStage((batch) => batch, {
          async *run(input) {
            yield* input;
            throwing();
          },
        }),
      },
      combine: { combine: sum((batch) => batch.bundle.ordinal === 1 && throwing()) },
      'start of a combine': { combine: sum(undefined, throwing) },
      sink: { sink: (batch: Batch) => batch.bundle.ordinal === 1 && throwing() },
    })) {
      const faulty: {
        source?: object;
        transform?: typeof pass;
        combine?: ReturnType<typeof sum>;
        sink?: (batch: Batch) => unknown;
      } = faults;
      const log = sourceLog();
      const [good, bad] = [sinkLog(join(tempDir, 'good')), sinkLog(join(tempDir, 'bad'))];
      const running = runStages(
        [
          ['source', memorySource(rows(), { log, ...faulty.source })],
          ['good', collectSink(good)],
          ['stage', faulty.transform ?? pass, {}, ['source']],
          ['combine', faulty.combine ?? sum(), {}, ['stage']],
          ['bad', collectSink(bad, faulty.sink), {}, ['stage']],
        ],
        { tempDir },
      );
      await t.rejects(running, error, kind);
      t.equal(await running.catch((thrown) => thrown), error, `${kind}: the same object`);
      t.equal(log.ended, log.opened, `${kind}: every read has ended`);
      t.equal(log.closed, 1, `${kind}: the source is closed`);
      t.strictSame(readdirSync(tempDir), [], kind);
      t.equal(good.discarded, Number(good.complete), `${kind}: a complete output is discarded`);
    }
  },
);

t.test('the first of several errors is the one thrown', async (t) => {
  const { opened, open } = gate();
  const first = collectSink(sinkLog(), () => {
    open();
    throw new Error('first');
  });
  const second = collectSink(sinkLog(), async () => {
    await opened;
    await settle();
    throw new Error('second');
  });
  const running = runStages(
    [
      ['source', memorySource(numbers(1, 5, 3, int))],
      ['b', second],
      ['a', first, {}, ['source']],
    ],
    { tempDir: t.testdir() },
  );
  await t.rejects(running, { message: 'first' });
});

t.test(
  'a branch that ends early lets the other go on, and the source is closed when both have',
  async (t) => {
    const log = sourceLog();
    const [few, all] = [sinkLog(), sinkLog()];
    const head = mapStage((batch) => batch, {
      async *run(input) {
        for await (const batch of input) {
          yield batch;
          return;
        }
      },
    });
    const idle = defineSink({
      name: 'test.idle',
      summary: 'Does not read',
      options: noOptions(),
      example: '',
      run: async () => ({ rows: 0, files: [], outputs: [], discard: async () => {} }),
    });
    const tempDir = t.testdir();
    await runStages(
      [
        ['source', memorySource(numbers(2, 5, 3, int), { log })],
        ['head', head],
        ['few', collectSink(few)],
        ['idle', idle, {}, ['source']],
        ['all', collectSink(all), {}, ['source']],
      ],
      { tempDir },
    );
    t.equal(few.batches.length, 1);
    t.equal(all.batches.length, 10);

    const early = sourceLog();
    await runStages(
      [
        ['source', memorySource(numbers(2, 5, 3, int), { log: early })],
        ['head', head],
        ['few', collectSink()],
        ['idle', idle, {}, ['source']],
      ],
      { tempDir },
    );
    t.equal(early.batches, 1, 'nothing is read for nobody');
    t.equal(early.ended, early.opened);
  },
);

t.test(
  'sources are read one after the other, in the order of the file, however their stages stand',
  async (t) => {
    const out = [sinkLog(), sinkLog()];
    const pass = mapStage((batch) => batch);
    const rows = numbers(2, 2, 2, int);
    await runStages(
      [
        ['a', memorySource([rows[0]!])],
        ['b', memorySource([rows[1]!])],
        ['b2', pass, {}, ['b']],
        ['a2', pass, {}, ['a']],
        // The two would wait for each other if one read b first and the other a.
        ['x', collectSink(out[0]), {}, ['b2', 'a2']],
        ['y', collectSink(out[1]), {}, ['a', 'b']],
      ],
      { tempDir: t.testdir() },
    );
    for (const log of out) t.strictSame(cells(log.batches, 'n'), [0, 1, 2, 3, 4, 5, 6, 7]);
  },
);

t.test('an order in which nothing could flow is refused', async (t) => {
  const pass = mapStage((batch) => batch);
  const source = () => memorySource(numbers(1, 2, 2, int));
  const running = runStages(
    [
      ['a', source()],
      ['b', source()],
      ['c', source()],
      ['ac', pass, {}, ['a', 'c']],
      ['all', collectSink(), {}, ['b', 'ac']],
      ['bc', collectSink(), {}, ['b', 'c']],
    ],
    { tempDir: t.testdir() },
  );
  await t.rejects(running, { message: /all: it would read "c" before "b", which stands above it/ });
});

t.test('empty input: a batch without rows reaches every terminal, so that there are columns', async (t) => {
  const [plain, none] = [sinkLog(), sinkLog()];
  const drop = mapStage((batch) => keepRows(batch, new Uint32Array(0)));
  await runStages(
    [
      ['source', memorySource([numbers(1, 1, 0, int)[0]!, numbers(1, 1, 0, int)[0]!])],
      ['plain', collectSink(plain)],
      ['drop', drop, {}, ['source']],
      ['none', collectSink(none)],
    ],
    { tempDir: t.testdir() },
  );
  for (const log of [plain, none]) {
    t.strictSame(
      log.batches.map((batch) => batch.rows.length),
      [0],
    );
    t.strictSame(
      log.batches[0]?.columns.schema.fields.map((field) => field.name),
      ['n'],
    );
  }
});
