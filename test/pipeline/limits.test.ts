import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type LimitOptions, type Limits, type Meters, watchLimits } from '../../pipeline/limits.js';
import { makeStagingFolder } from '../../pipeline/publication/staging.js';
import { settle } from '../fixtures/engine.js';

const none: Limits = { memory: undefined, disk: undefined, time: undefined };

/** Meters that a test sets, and a timer that it ticks. */
function fakeMeters() {
  const now = { memory: 1e9, machine: 32e9, disk: 1e9, free: 100e9, seconds: 500 };
  const checks = new Set<() => void>();
  const meters: Meters = {
    memory: () => now.memory,
    machineMemory: () => now.machine,
    used: async () => now.disk,
    free: async () => now.free,
    seconds: () => now.seconds,
    every: (_seconds, check) => {
      checks.add(check);
      return () => checks.delete(check);
    },
  };
  const tick = async (count: number) => {
    for (let i = 0; i < count; i++) for (const check of checks) check();
    await settle();
  };
  const failures: Error[] = [];
  const notes: string[] = [];
  const options: LimitOptions = {
    folders: ['state'],
    meters,
    fail: (reason) => failures.push(reason),
    note: (text) => notes.push(text),
  };
  return { now, checks, tick, failures, notes, options };
}

t.test('nothing happens below the limits, and nothing without', async (t) => {
  const { now, tick, checks, failures, notes, options } = fakeMeters();
  const watch = await watchLimits({ memory: 1e9, disk: 1e9, time: 60 }, options);
  now.seconds += 60;
  await tick(30);
  t.same([failures, notes], [[], []]);
  watch.stop();
  t.equal(checks.size, 0);
  await watchLimits(none, options);
  t.equal(checks.size, 0, 'no timer');
});

t.test('each limit, with what is used and what can be done', async (t) => {
  const cases = [
    [
      { memory: 2e9 },
      { memory: 2.5e9 },
      /2\.5 GB of memory.*limits\.memory \(2\.0 GB\): raise.*batch_tokens/,
    ],
    [{ disk: 2e9 }, { disk: 30e9 }, /30\.0 GB of disk.*limits\.disk \(2\.0 GB\): raise.*state_dir/],
    [{ time: 90 }, { seconds: 591 }, /longer than limits\.time \(2 min\): raise/],
  ] as const;
  for (const [limit, used, message] of cases) {
    const { now, tick, checks, failures, options } = fakeMeters();
    await watchLimits({ ...none, ...limit }, options);
    await tick(10);
    t.same(failures, []);
    Object.assign(now, used);
    await tick(25);
    t.equal(failures.length, 1, 'told once');
    t.match(failures[0], { name: 'LimitExceeded', exitCode: 1, message });
    t.equal(checks.size, 0, 'and not watched any more');
  }
});

t.test('what is exceeded already', async (t) => {
  const { options, checks } = fakeMeters();
  await t.rejects(watchLimits({ ...none, memory: 1e6 }, options), { name: 'LimitExceeded' });
  await t.rejects(watchLimits({ ...none, disk: 1e6 }, options), { name: 'LimitExceeded' });
  t.equal(checks.size, 0);
});

t.test('the disk is measured seldom, and not twice at a time', async (t) => {
  const { options, tick } = fakeMeters();
  let measured = 0;
  let finish: () => void = () => undefined;
  const used = async () => {
    measured++;
    await new Promise<void>((resolve) => {
      finish = resolve;
      if (measured <= 2) resolve();
    });
    return 0;
  };
  const meters = { ...options.meters!, used };
  await watchLimits({ ...none, disk: 1e9 }, { ...options, meters });
  t.equal(measured, 2, 'before: for the limit and for the remark');
  await tick(9);
  t.equal(measured, 2);
  await tick(31);
  t.equal(measured, 3, 'a long one delays the next');
  finish();
  await settle();
  await tick(10);
  t.equal(measured, 4);
});

t.test('a measure that fails, and one that comes too late', async (t) => {
  const { options, tick, failures } = fakeMeters();
  let free = true;
  const used = async () => {
    if (free) return 0;
    throw new Error('no measure');
  };
  const meters = { ...options.meters!, used };
  const stopped = await watchLimits({ ...none, disk: 1 }, { ...options, meters });
  await watchLimits({ ...none, disk: 1 }, { ...options, meters });
  free = false;
  const ticking = tick(10);
  stopped.stop();
  await ticking;
  t.match(failures, [{ message: 'no measure' }]);
  t.equal(failures.length, 1, 'nothing after the stop');
});

t.test('limits that the machine cannot give are told of', async (t) => {
  const { now, options, notes } = fakeMeters();
  Object.assign(now, { machine: 4e9, disk: 1e9, free: 2e9 });
  await watchLimits({ memory: 8e9, disk: 10e9, time: undefined }, options);
  t.match(notes, [
    /limits\.memory is 8\.0 GB, and there are 4\.0 GB/,
    /leaves 9\.0 GB, and state has 2\.0 GB free/,
  ]);
  notes.length = 0;
  await watchLimits({ memory: 4e9, disk: 3e9, time: undefined }, options);
  t.same(notes, []);
});

t.test('real meters: files of all folders once, with unfinished outputs', async (t) => {
  const folder = t.testdir({ state: { work: { a: 'x'.repeat(1000) } }, other: { b: 'x'.repeat(5000) } });
  const [state, output] = [join(folder, 'state'), join(folder, 'selected.parquet')];
  symlinkSync(join(folder, 'other'), join(state, 'link'));
  mkdirSync(join(state, 'tmp'));
  writeFileSync(join(await makeStagingFolder(output), 'part'), 'x'.repeat(200));
  const measure = (disk: number, outputs: string[]) =>
    watchLimits(
      { ...none, disk },
      { folders: [state, join(state, 'tmp'), join(folder, 'none')], outputs, fail: () => undefined },
    );
  const limit = 1200 + join(folder, 'other').length;
  (await measure(limit, [output])).stop();
  await t.rejects(measure(limit - 1, [output]), { name: 'LimitExceeded', message: /KB of disk/ });
  (await measure(limit - 200, [])).stop();
  await t.rejects(measure(limit - 201, []), { name: 'LimitExceeded' });
});

t.test('real meters: memory and the machine', async (t) => {
  await t.rejects(watchLimits({ ...none, memory: 1e6 }, { folders: [], fail: () => undefined }), {
    name: 'LimitExceeded',
  });
  const notes: string[] = [];
  const watch = await watchLimits(
    { memory: 1e15, disk: 1e18, time: 3600 },
    { folders: [t.testdir()], fail: () => undefined, note: (text) => notes.push(text) },
  );
  watch.stop();
  t.match(notes, [/limits\.memory/, /limits\.disk/]);
});
