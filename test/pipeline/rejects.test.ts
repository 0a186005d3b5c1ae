import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Int32 } from 'apache-arrow';
import t from 'tap';
import type { placeOf } from '../../pipeline/batch.js';
import type { Context } from '../../pipeline/component.js';
import { DataError, NagError } from '../../pipeline/errors.js';
import { withoutFaults } from '../../pipeline/faults.js';
import { type RejectedRows, Rejects, TooManyRejects } from '../../pipeline/rejects.js';
import { rejectedRows } from '../../pipeline/stats.js';
import {
  collectSink,
  mapStage,
  memorySource,
  numbers,
  runStages,
  type StageRow,
  sinkLog,
} from '../fixtures/engine.js';
import { profileLike, sideUser } from '../fixtures/two-passes.js';

const row = (number: number, more: Partial<RejectedRows> = {}): RejectedRows => ({
  stage: 'tokenize',
  file: 'pool.parquet',
  row: number,
  reason: 'no token',
  rows: 1,
  ...more,
});
const whole = (file: string): RejectedRows => ({
  stage: 'read',
  file,
  reason: 'is truncated',
  rows: undefined,
});

t.test('policy fail: the reject is the error, or what caused it', async (t) => {
  const rejects = await Rejects.open({ policy: 'fail', maxRatio: 1 });
  t.notOk(rejects.tolerant);
  t.throws(() => rejects.add(row(3, { column: 'doc' })), {
    name: 'DataError',
    exitCode: 1,
    message: 'pool.parquet: row 3, column "doc": no token',
  });
  const cause = new NagError('as ever');
  t.throws(() => rejects.add(row(3), { cause }), cause);
  t.equal(rejects.rows, 0);
  await rejects.close();
});

t.test('policy skip: counted, and no file', async (t) => {
  const dir = t.testdir({ 'r.jsonl': 'of another run' });
  const rejects = await Rejects.open({ policy: 'skip', maxRatio: 1, path: join(dir, 'r.jsonl') });
  rejects.add(row(3));
  rejects.add(row(5, { rows: 4 }));
  rejects.add(whole('a'));
  rejects.countInput({ rows: 10, files: 2 });
  await rejects.close();
  t.same([rejects.rows, rejects.files, rejects.path], [5, 1, undefined]);
  t.same(rejects.report(), ['rejected 5 of 10 rows (50 %) and 1 of 2 files (50 %)']);
  t.equal(readFileSync(join(dir, 'r.jsonl'), 'utf8'), 'of another run');
});

t.test(
  'quarantine: a line each, in order, not seen before the end, and in place of an older file',
  async (t) => {
    const dir = t.testdir({});
    const path = join(dir, 'new', 'r.jsonl');
    mkdirSync(join(dir, 'new'));
    writeFileSync(path, 'old\n');
    const rejects = await Rejects.open({ policy: 'quarantine', maxRatio: 1, path });
    rejects.add(row(3, { column: 'doc' }));
    rejects.add({ ...whole('b'), line: 7 });
    rejects.add(row(2, { rows: 9, reason: 'quote " and\nline' }));
    t.equal(readFileSync(path, 'utf8'), 'old\n');
    await rejects.close();
    await rejects.close();
    t.same(readdirSync(join(dir, 'new')), ['r.jsonl']);
    t.equal(
      readFileSync(path, 'utf8'),
      '{"stage":"tokenize","file":"pool.parquet","row":3,"line":null,"column":"doc","rows":1,"reason":"no token"}\n' +
        '{"stage":"read","file":"b","row":null,"line":7,"column":null,"rows":null,"reason":"is truncated"}\n' +
        '{"stage":"tokenize","file":"pool.parquet","row":2,"line":null,"column":null,"rows":9,"reason":"quote \\" and\\nline"}\n',
    );
    t.same(rejects.report(), [`rejected 10 rows and 1 files: see ${path}`]);
  },
);

t.test('no rejects: no file, nor that of an earlier run', async (t) => {
  const dir = t.testdir({ 'r.jsonl': 'of yesterday' });
  const rejects = await Rejects.open({ policy: 'quarantine', maxRatio: 1, path: join(dir, 'r.jsonl') });
  t.ok(existsSync(join(dir, 'r.jsonl')));
  await rejects.close();
  t.same(readdirSync(dir), []);
  t.same([rejects.path, rejects.report()], [undefined, []]);
});

t.test('a place where no file can be', async (t) => {
  const dir = t.testdir({ file: '', folder: { inside: '' } });
  for (const path of [join(dir, 'file/r.jsonl'), join(dir, 'folder')])
    t.match(await Rejects.open({ policy: 'quarantine', maxRatio: 1, path }), {
      fault: { name: 'DataError' },
    });
  t.same(readdirSync(dir), ['file', 'folder']);
});

t.test(
  'a full disk fails the run, and leaves whole lines',
  { skip: !existsSync('/dev/full') && 'NOT RUN: there is no /dev/full' },
  async (t) => {
    const dir = t.testdir({});
    const path = join(dir, 'r.jsonl');
    const rejects = await Rejects.open({ policy: 'quarantine', maxRatio: 1, path });
    const [staging] = readdirSync(dir);
    symlinkSync('/dev/full', join(dir, staging!, 'rejects.jsonl'));
    t.throws(() => rejects.add(row(1)), {
      name: 'DataError',
      message: /r\.jsonl: cannot be written: ENOSPC/,
    });
  },
);

t.test('the limit is checked as soon as it is certain', async (t) => {
  const rejects = new Rejects({ policy: 'skip', maxRatio: 0.29 });
  for (let i = 0; i < 28; i++) rejects.add(row(i));
  rejects.countInput({ rows: undefined, files: 3 });
  rejects.countInput({ rows: 100, files: 3 });
  rejects.add(row(28));
  t.throws(() => rejects.add(row(29)), {
    name: 'TooManyRejects',
    exitCode: 4,
    message: /^rejected 30 of 100 rows \(30 %\), more than max_ratio: 0\.29 allows; nothing was published\n/,
  });
  const files = new Rejects({ policy: 'skip', maxRatio: 0.5 });
  files.add(whole('a'));
  files.countInput({ rows: 100, files: 2 });
  t.throws(() => files.add(whole('b')), /rejected 0 of 100 rows \(0 %\) and 2 of 2 files \(100 %\)/);
  const none = new Rejects({ policy: 'skip', maxRatio: 0 });
  none.countInput({ rows: 0, files: 1 });
  none.countInput({ rows: undefined, files: 1 });
  none.add(row(0));
  t.throws(() => none.countInput({ rows: 1e9, files: 1 }), TooManyRejects);
});

t.test('the error tells the first few, and where all are', async (t) => {
  const path = join(t.testdir({}), 'r.jsonl');
  const rejects = await Rejects.open({ policy: 'quarantine', maxRatio: 0.1, path });
  for (let i = 0; i < 8; i++) rejects.add(row(i, { reason: `reason ${i}` }));
  t.throws(() => rejects.countInput({ rows: 10, files: 1 }), {
    message: [
      'rejected 8 of 10 rows (80 %), more than max_ratio: 0.1 allows; nothing was published',
      ...[0, 1, 2, 3, 4].map((i) => `  tokenize: pool.parquet: row ${i}: reason ${i}`),
      `all so far are in ${path}`,
    ].join('\n'),
  });
  await rejects.close();
  t.equal(readFileSync(path, 'utf8').split('\n').length, 9);
});

t.test('listeners are told of each, also of what comes again', async (t) => {
  const rejects = new Rejects({ policy: 'skip', maxRatio: 1 });
  const told: unknown[] = [];
  const stop = rejects.listen(({ stage, file, row: own }) => told.push([stage, file, own]));
  rejects.add(row(1));
  rejects.add(row(1), { again: true });
  stop();
  rejects.add(row(2));
  t.same(told, [
    ['tokenize', 'pool.parquet', 1],
    ['tokenize', 'pool.parquet', 1],
  ]);
  t.equal(rejects.rows, 2);
});

t.test('what is kept does not grow with what is rejected', async (t) => {
  const rejects = new Rejects({ policy: 'skip', maxRatio: 1 });
  for (let i = 0; i < 1e5; i++) rejects.add(row(i, { reason: `reason ${i}: ${'x'.repeat(1000)}` }));
  const { length } = JSON.stringify(rejects, (_, value: unknown) => value);
  t.ok(length < 1000);
  t.equal(rejects.rows, 1e5);
});

/** A stage that rejects odd numbers. */
const even = (context: Context, batch: Parameters<typeof placeOf>[0]) => {
  const n = batch.columns.getChild('n')!;
  return withoutFaults(
    batch,
    (at) => (Number(n.get(at)) % 2 === 1 ? { reason: `odd: ${n.get(at)}`, column: 'n' } : undefined),
    context.reject,
  );
};
const stages = (log = sinkLog()): StageRow[] => [
  ['read', memorySource(numbers(2, 2, 5, new Int32()))],
  ['even', mapStage((batch, context) => even(context, batch))],
  ['write', collectSink(log)],
];

t.test('a run: rows in = rows out + rejected, and an error under fail', async (t) => {
  const tempDir = t.testdir({});
  await t.rejects(runStages(stages(), { tempDir }), {
    message: 'memory-0: row 1, column "n": odd: 1',
  });
  const dir = t.testdir({});
  const path = join(dir, 'r.jsonl');
  const log = sinkLog(join(dir, 'out'));
  const rejects = await Rejects.open({ policy: 'quarantine', maxRatio: 0.5, path });
  const { stats, reports } = await runStages(stages(log), { tempDir, rejects });
  const own = stats.get('even')!;
  t.same([own.rowsIn, own.rowsOut, rejectedRows(own), [...own.leftOut]], [20, 10, 10, []]);
  t.same([...own.rejected], [['odd', 10]]);
  t.same(reports, [`rejected 10 of 20 rows (50 %): see ${path}`]);
  t.ok(existsSync(join(dir, 'out')), 'published');
  const lines = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RejectedRows);
  t.same(
    lines.map(({ stage, file, row: at }) => [stage, file, at]),
    ['memory-0', 'memory-1'].flatMap((file) => [1, 3, 5, 7, 9].map((at) => ['even', file, at])),
  );
});

t.test('a run over the limit publishes nothing, and its quarantine file is seen', async (t) => {
  const path = join(t.testdir({}), 'r.jsonl');
  const log = sinkLog(join(dirname(path), 'out'));
  const rejects = await Rejects.open({ policy: 'quarantine', maxRatio: 0.49, path });
  await t.rejects(runStages(stages(log), { tempDir: dirname(path), rejects }), {
    name: 'TooManyRejects',
    message: /^rejected 10 of 20 rows/,
  });
  t.same([existsSync(join(dirname(path), 'out')), log.discarded], [false, 1]);
  t.equal(readFileSync(path, 'utf8').trim().split('\n').length, 10);
});

t.test('a run that fails or is stopped leaves its quarantine file too', async (t) => {
  const path = join(t.testdir({}), 'r.jsonl');
  const fails = mapStage((batch) => {
    if (batch.bundle.ordinal === 1) throw new DataError({ file: 'x' }, 'is bad in a way of its own');
    return batch;
  });
  const rejects = await Rejects.open({ policy: 'quarantine', maxRatio: 1, path });
  const [read, reject, write] = stages();
  const failing = runStages([read!, reject!, ['fails', fails], write!], { tempDir: dirname(path), rejects });
  await t.rejects(failing, { message: 'x: is bad in a way of its own' });
  t.ok(readFileSync(path, 'utf8').split('\n').length >= 6);

  const stopping = new AbortController();
  const stops = mapStage((batch) => {
    stopping.abort(new NagError('stopped'));
    return batch;
  });
  const stopped = await Rejects.open({ policy: 'quarantine', maxRatio: 1, path });
  const { signal } = stopping;
  const options = { tempDir: dirname(path), rejects: stopped, signal };
  await t.rejects(runStages([read!, reject!, ['stops', stops], write!], options), { message: 'stopped' });
  t.match(readFileSync(path, 'utf8'), /^\{"stage":"even","file":"memory-0","row":1,/);
});

t.test('stages that run for two segments tell what they reject once', async (t) => {
  const path = join(t.testdir({}), 'r.jsonl');
  const rejects = await Rejects.open({ policy: 'quarantine', maxRatio: 0.5, path });
  const told: unknown[] = [];
  rejects.listen(({ row: at }) => told.push(at));
  const log = sinkLog();
  const [read, reject] = stages();
  const { stats } = await runStages(
    [
      read!,
      reject!,
      ['value', profileLike],
      ['use', sideUser, {}, ['even'], { value: 'value' }],
      ['write', collectSink(log)],
    ],
    { tempDir: dirname(path), rejects },
  );
  const own = stats.get('even')!;
  t.same([own.rowsIn, own.rowsOut, rejectedRows(own)], [40, 20, 20]);
  t.equal(told.length, 20);
  t.equal(readFileSync(path, 'utf8').trim().split('\n').length, 10);
});
