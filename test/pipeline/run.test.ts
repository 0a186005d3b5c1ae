import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int32, vectorFromArray } from 'apache-arrow';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { withColumn } from '../../pipeline/batch.js';
import { type Context, defineCombine, defineSink, type Prepared } from '../../pipeline/component.js';
import { Interrupted } from '../../pipeline/run.js';
import { leftOutRows } from '../../pipeline/stats.js';
import { stageFiles } from '../../sinks/stage-files.js';
import {
  cells,
  collectSink,
  gate,
  mapStage,
  memorySource,
  numbers,
  recordBatch,
  runStages,
  settle,
  sinkLog,
  sourceLog,
} from '../fixtures/engine.js';

const int = new Int32();

/** A combine that keeps nothing and counts how often it was closed. */
function closing(log: { closed: number }, fail = false) {
  return defineCombine<ReturnType<typeof noOptions>, number, number>({
    name: 'test.closing',
    summary: 'Closed once',
    options: noOptions(),
    example: '',
    yields: 'value',
    start: async () => ({
      create: () => 0,
      add: (partial) => partial,
      merge: (a) => a,
      extract: () => 0,
      close: async () => {
        log.closed++;
        if (fail) throw new Error('cannot close');
      },
    }),
  });
}

function noOptions() {
  return z.strictObject({});
}

/** A sink whose output is prepared as told. */
function preparing(prepared: (context: Context) => Partial<Prepared> | Promise<Partial<Prepared>>) {
  return defineSink({
    name: 'test.preparing',
    summary: 'Prepares an output',
    options: noOptions(),
    example: '',
    async run(input, _options, context) {
      for await (const _ of input);
      return {
        rows: 0,
        files: [],
        outputs: [],
        discard: async () => undefined,
        ...(await prepared(context)),
      };
    },
  });
}

t.test('outputs are published when all sinks and segments are done', async (t) => {
  const [dir, tempDir] = folders(t, { a: 'old' });
  const seen: string[][] = [];
  const named = (name: string) =>
    preparing(async () => {
      const staged = await stageFiles([{ path: join(dir, name), content: `of ${name}` }]);
      seen.push((await visible(dir)).concat(await readFile(join(dir, 'a'), 'utf8')));
      return { ...staged, report: `report of ${name}` };
    });
  const stages = [
    ['one', memorySource(numbers(1, 2, 2, int))],
    ['a', named('a')],
    ['two', memorySource(numbers(1, 2, 2, int))],
    ['b', named('b')],
  ] as const;
  const result = await runStages(stages, { tempDir });
  t.strictSame(seen, Array(2).fill(['a', 'old']));
  t.equal(await readFile(join(dir, 'a'), 'utf8'), 'of a');
  t.strictSame(result.files, [join(dir, 'a'), join(dir, 'b')]);
  t.strictSame(result.outputs, [], 'checksums are not asked for');
  t.strictSame(result.reports, ['report of a', 'report of b']);
  t.strictSame((await readdir(dir)).sort(), ['a', 'b'], 'no staging is left');

  const together = await runStages(stages, { tempDir, together: true });
  t.ok((await lstat(join(dir, 'a'))).isSymbolicLink());
  t.strictSame(
    together.outputs,
    ['a', 'b'].map((name) => {
      const [path, text] = [join(dir, name), `of ${name}`];
      const sha256 = createHash('sha256').update(text).digest('hex');
      return { stage: name, path, rows: 0, files: [{ path, bytes: text.length, sha256 }] };
    }),
  );
});

/** One for outputs, and one for temporary files. */
function folders(t: Test, out: Readonly<Record<string, string>> = {}): [string, string] {
  const root = t.testdir({ out, temp: {} });
  return [join(root, 'out'), join(root, 'temp')];
}

async function visible(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => !name.startsWith('.')).sort();
}

t.test('nothing is published when a later segment fails', async (t) => {
  const [dir, tempDir] = folders(t);
  const [first, second] = [sinkLog(join(dir, 'a')), sinkLog(join(dir, 'b'))];
  const running = runStages(
    [
      ['one', memorySource(numbers(1, 2, 2, int))],
      ['a', collectSink(first)],
      ['two', memorySource(numbers(1, 2, 2, int), { failAt: { batch: 1, error: new Error('broken') } })],
      ['b', collectSink(second)],
    ],
    { tempDir },
  );
  await t.rejects(running, { message: 'broken' });
  t.match(first, { complete: true, discarded: 1 });
  t.match(second, { complete: false, discarded: 0 });
  t.strictSame(await readdir(dir), []);
});

t.test('an output that cannot be published is discarded, with those after it', async (t) => {
  for (const together of [false, true]) {
    const [dir, tempDir] = folders(t, { b: 'old' });
    const later = sinkLog(join(dir, 'b'));
    let discarded = 0;
    const stuck = preparing(() => ({
      outputs: [{ temporary: join(dir, 'missing'), final: join(dir, 'out.parquet') }],
      discard: async () => {
        discarded++;
      },
    }));
    const running = runStages(
      [
        ['source', memorySource(numbers(1, 2, 2, int))],
        ['a', stuck],
        ['b', collectSink(later), {}, ['source']],
      ],
      { tempDir, together },
    );
    await t.rejects(running, { message: together ? /missing/ : /out\.parquet: cannot be put in place/ });
    t.equal(discarded, 1);
    t.match(later, { complete: true, discarded: 1 });
    t.equal(await readFile(join(dir, 'b'), 'utf8'), 'old');
    t.strictSame(await readdir(dir), ['b']);
  }
});

t.test(
  'an interruption in the middle ends the run with its reason, nothing published, all closed',
  async (t) => {
    const stop = new AbortController();
    const [dir, tempDir] = folders(t);
    const [log, out, combine] = [sourceLog(), sinkLog(join(dir, 'out')), { closed: 0 }];
    const reason = new Interrupted('SIGINT', 130);
    const running = runStages(
      [
        ['source', memorySource(numbers(2, 10, 2, int), { log })],
        ['combine', closing(combine)],
        ['out', collectSink(out, () => out.batches.length === 3 && stop.abort(reason)), {}, ['source']],
      ],
      { tempDir, signal: stop.signal },
    );
    t.equal(await running.catch((thrown) => thrown), reason);
    t.ok(log.batches <= 5, `${log.batches} batches were read`);
    t.match(log, { ended: log.opened, closed: 1 });
    t.match(out, { complete: false });
    t.strictSame(await readdir(dir), []);
    t.equal(combine.closed, 1);
  },
);

t.test('an interruption while a stage is busy waits for it', async (t) => {
  const stop = new AbortController();
  const { opened, open } = gate();
  let [busy, closedWhileBusy] = [false, false];
  const stage = mapStage(async (batch, context) => {
    await context.resource('session', async () => ({
      close: () => {
        closedWhileBusy = busy;
      },
    }));
    busy = true;
    stop.abort(new Error('stopped'));
    await opened;
    busy = false;
    return batch;
  });
  const running = runStages(
    [
      ['source', memorySource(numbers(1, 3, 2, int))],
      ['busy', stage],
      ['out', collectSink()],
    ],
    { tempDir: t.testdir(), signal: stop.signal },
  );
  running.catch(() => undefined);
  await settle();
  open();
  await t.rejects(running, { message: 'stopped' });
  t.equal(closedWhileBusy, false);
});

t.test('what cannot be closed keeps nothing else from being closed, and never hides a failure', async (t) => {
  const tempDir = t.testdir();
  for (const failing of [false, true]) {
    const [log, combine] = [sourceLog(), { closed: 0 }];
    const running = runStages(
      [
        ['source', memorySource(numbers(1, 3, 2, int), { log })],
        ['combine', closing(combine, true)],
        [
          'out',
          collectSink(sinkLog(), () => {
            if (failing) throw new Error('broken');
          }),
          {},
          ['source'],
        ],
      ],
      { tempDir },
    );
    await t.rejects(running, { message: failing ? 'broken' : 'cannot close' });
    t.match(log, { closed: 1 });
    t.equal(combine.closed, 1);
  }
});

t.test('stages get a temporary folder of the run, which is gone afterwards', async (t) => {
  const tempDir = join(t.testdir(), 'not', 'there', 'yet');
  const folders: string[] = [];
  const using = mapStage(async (batch, context) => {
    folders.push(context.tempDir);
    t.strictSame(await readdir(context.tempDir), []);
    return batch;
  });
  await runStages(
    [
      ['source', memorySource(numbers(1, 1, 2, int))],
      ['using', using],
      ['out', collectSink()],
    ],
    { tempDir },
  );
  t.ok(folders[0]?.startsWith(tempDir));
  t.strictSame(await readdir(tempDir), []);
  const file = join(t.testdir({ file: 'text' }), 'file');
  const running = runStages(
    [
      ['source', memorySource(numbers(1, 1, 2, int))],
      ['out', collectSink()],
    ],
    { tempDir: file },
  );
  await t.rejects(running, { message: /file: cannot hold temporary files/ });
});

t.test('rows in = rows out + rows left out, with the reasons, at every stage', async (t) => {
  const half = mapStage((batch, context) => {
    context.leftOut('odd', 1);
    return { ...batch, columns: batch.columns.slice(0, 1), rows: batch.rows.slice(0, 1) };
  });
  const silent = mapStage((batch) =>
    batch.bundle.ordinal === 0
      ? batch
      : { ...batch, columns: batch.columns.slice(0, 0), rows: batch.rows.slice(0, 0) },
  );
  const source = memorySource(numbers(2, 5, 3, int), {
    where: (columns, row) => columns.getChild('n')!.get(row) % 3 > 0,
  });
  const notes: string[] = [];
  const { stats } = await runStages(
    [
      ['source', source],
      ['half', half],
      ['silent', silent],
      ['out', collectSink()],
    ],
    { tempDir: t.testdir(), note: (text) => notes.push(text) },
  );
  const figures = [...stats].map(([id, { rowsIn, rowsOut, leftOut, state }]) => [
    id,
    rowsIn,
    rowsOut,
    [...leftOut],
    state,
  ]);
  t.strictSame(figures, [
    ['source', 30, 20, [['where', 10]], 'done'],
    ['half', 20, 10, [['odd', 10]], 'done'],
    ['silent', 10, 5, [['by the stage, no reason given', 5]], 'done'],
    ['out', 5, 5, [], 'done'],
  ]);
  for (const stage of stats.values()) t.equal(stage.rowsIn, stage.rowsOut + leftOutRows(stage));
});

t.test(
  'columns that stages name are read where the source has them, and may be made on the way',
  async (t) => {
    const log = sourceLog();
    const rows = recordBatch({ n: [int, [1, 2]], other: [int, [3, 4]] });
    const made = mapStage((batch) => withColumn(batch, 'made', vectorFromArray([5, 6], int).data[0]!), {
      needs: () => ({}),
    });
    const out = sinkLog();
    await runStages(
      [
        ['source', memorySource([[rows]], { log })],
        ['made', made],
        ['out', collectSink(out, undefined, { columns: ['made', 'n'] })],
      ],
      { tempDir: t.testdir() },
    );
    t.strictSame(log.columns, [['n']]);
    t.strictSame(cells(out.batches, 'made'), [5, 6]);
  },
);
