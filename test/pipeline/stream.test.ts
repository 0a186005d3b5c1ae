import t from 'tap';
import { Streams } from '../../pipeline/stream.js';
import { gate, settle } from '../fixtures/engine.js';

/** Counts what is asked of it, and whether its `finally` ran. */
function source(length: number, failAt = Infinity) {
  const log = { given: 0, ended: 0 };
  async function* values() {
    try {
      for (let n = 0; n < length; n++) {
        if (n === failAt) throw new Error(`failed at ${n}`);
        log.given++;
        yield n;
      }
    } finally {
      log.ended++;
    }
  }
  return { log, values: values() };
}

async function* passing(input: AsyncIterable<number>): AsyncGenerator<number> {
  for await (const n of input) yield n;
}

async function all<T>(input: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const value of input) out.push(value);
  return out;
}

function streams() {
  const abort = new AbortController();
  return { abort, streams: new Streams(abort.signal) };
}

t.test('gives all values in order, through stages, and closes the source', async (t) => {
  const { streams: s } = streams();
  const { log, values } = source(100);
  t.strictSame(await all(s.read(s.through(s.from(values), passing))), [...Array(100).keys()]);
  t.strictSame(log, { given: 100, ended: 1 });
  await s.close();
});

t.test('nothing is asked for before somebody pulls, and then one at a time', async (t) => {
  const { streams: s } = streams();
  const { log, values } = source(100);
  const reader = s.read(s.through(s.through(s.from(values), passing), passing));
  await settle();
  t.equal(log.given, 0);
  for (let n = 0; n < 5; n++) {
    t.strictSame(await reader.next(), { done: false, value: n });
    await settle();
    t.equal(log.given, n + 1, 'nothing is read ahead');
  }
  await s.close();
  t.equal(log.ended, 1);
});

t.test('leaving early closes what is above', async (t) => {
  const { streams: s } = streams();
  const { log, values } = source(100);
  for await (const n of s.read(s.through(s.from(values), passing))) if (n === 3) break;
  await s.close();
  t.strictSame(log, { given: 4, ended: 1 });
});

t.test('the slowest reader of a shared stream sets the pace', async (t) => {
  const { streams: s } = streams();
  const { log, values } = source(50);
  const [fast, slow] = s.share(s.from(values), 2);
  const reading = all(s.read(fast!));
  const reader = s.read(slow!);
  for (let n = 0; n < 10; n++) {
    await reader.next();
    await settle();
    t.ok(log.given <= n + 2, `${log.given} given when ${n + 1} were taken`);
  }
  t.strictSame([...(await all(reader))], [...Array(50).keys()].slice(10));
  t.equal((await reading).length, 50);
  await s.close();
});

t.test(
  'a reader that leaves does not hold the others up; the last one to leave closes the source',
  async (t) => {
    const { streams: s } = streams();
    const { log, values } = source(50);
    const [a, b, c] = s.share(s.from(values), 3);
    const first = async () => {
      for await (const n of s.read(a!)) if (n === 2) return;
    };
    const second = async () => {
      for await (const n of s.read(b!)) if (n === 20) return;
    };
    c!.destroy();
    await Promise.all([first(), second()]);
    await settle();
    t.strictSame(log, { given: 21, ended: 1 });
    await s.close();
  },
);

t.test('a stage that is left before it began lets go of what it would have read', async (t) => {
  const { streams: s } = streams();
  const { log, values } = source(5);
  const [a, b] = s.share(s.from(values), 2);
  s.through(a!, passing).destroy();
  t.strictSame(await all(s.read(b!)), [0, 1, 2, 3, 4]);
  t.strictSame(log, { given: 5, ended: 1 });
  await s.close();
});

t.test('concat reads one after the other, and closes those it did not come to', async (t) => {
  const { streams: s } = streams();
  const sources = [source(3), source(2), source(4)];
  const joined = s.concat(sources.map(({ values }) => s.from(values)));
  t.strictSame(await all(s.read(joined)), [0, 1, 2, 0, 1, 0, 1, 2, 3]);
  await s.close();

  const again = streams().streams;
  const [first, second] = [source(3), source(2)];
  for await (const n of again.read(again.concat([again.from(first.values), again.from(second.values)])))
    if (n === 1) break;
  await again.close();
  t.strictSame(first.log, { given: 2, ended: 1 });
  t.equal(second.log.given, 0);
});

t.test('errors come out as they are, whatever was thrown', async (t) => {
  const { streams: s } = streams();
  const { log, values } = source(10, 4);
  await t.rejects(all(s.read(s.through(s.from(values), passing))), { message: 'failed at 4' });
  t.equal(log.ended, 1);
  await s.close();

  const nothing = async function* (): AsyncGenerator<number> {
    yield 1;
    throw undefined;
  };
  const other = streams().streams;
  await t.rejects(all(other.read(other.from(nothing()))), { message: 'undefined' }, 'not taken for the end');
  await other.close();
});

t.test('an error reaches every reader of a shared stream', async (t) => {
  const { streams: s } = streams();
  const [a, b] = s.share(s.from(source(10, 4).values), 2);
  const results = await Promise.allSettled([all(s.read(a!)), all(s.read(b!))]);
  t.strictSame(
    results.map((result) => result.status === 'rejected' && result.reason.message),
    ['failed at 4', 'failed at 4'],
  );
  await s.close();
});

t.test('an abort wakes readers that wait, also for a reader that never pulls', async (t) => {
  const { streams: s, abort } = streams();
  const { log, values } = source(10);
  const [a] = s.share(s.from(values), 2);
  const reading = all(s.read(a!));
  await settle();
  abort.abort(new Error('stopped'));
  await t.rejects(reading, { message: 'stopped' });
  await t.rejects(all(s.read(a!)), { message: 'stopped' }, 'nor does anyone wait afterwards');
  await s.close();
  t.equal(log.given, 0);
});

t.test('close waits until sources have ended, also one that is busy', async (t) => {
  const { streams: s, abort } = streams();
  const { opened, open } = gate();
  let ended = false;
  const busy = async function* () {
    try {
      await opened;
      yield 1;
    } finally {
      await settle();
      ended = true;
    }
  };
  const reading = all(s.read(s.through(s.from(busy()), passing)));
  await settle();
  abort.abort(new Error('stopped'));
  await t.rejects(reading, { message: 'stopped' });
  let closed = false;
  const closing = s.close().then(() => {
    closed = true;
  });
  await settle();
  t.notOk(closed, 'the source is still at work');
  open();
  await closing;
  t.ok(ended);
});

t.test('what a source cannot close is told', async (t) => {
  const { streams: s } = streams();
  const values = async function* () {
    try {
      yield 1;
      yield 2;
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: a source that cannot be closed
      throw new Error('cannot be closed');
    }
  };
  for await (const _ of s.read(s.from(values()))) break;
  await t.rejects(s.close(), { message: 'cannot be closed' });
});
