import { mock } from 'node:test';
import t from 'tap';
import { begin, busySeconds, createBusy, timed } from '../../pipeline/busy.js';

/** The clock stands but for what a test lets pass, in milliseconds. */
function clock(t: Pick<typeof import('tap').t, 'teardown'>) {
  let now = 1000;
  const mocked = mock.method(performance, 'now', () => now);
  t.teardown(() => mocked.mock.restore());
  return {
    pass: (ms: number) => {
      now += ms;
    },
    now: () => now,
  };
}

t.test('of stages one behind the other each has the time in which it worked', async (t) => {
  const { pass, now } = clock(t);
  const [source, model, sink] = [createBusy(), createBusy(), createBusy()];
  async function* read() {
    for (let i = 0; i < 3; i++) {
      pass(10);
      yield i;
    }
  }
  async function* run(input: AsyncIterable<number>) {
    for await (const value of timed(input, model, 'waiting')) {
      pass(100);
      yield value;
    }
    pass(7);
  }
  const end = begin(sink, 'asked');
  for await (const _ of timed(timed(run(timed(read(), source, 'asked')), model, 'asked'), sink, 'waiting'))
    pass(1);
  end();
  pass(5000);
  t.strictSame(
    [source, model, sink].map((busy) => busySeconds(busy, now())),
    [0.03, 0.307, 0.003],
  );
});

t.test('work ahead of what is asked for counts, and the time so far', async (t) => {
  const { pass, now } = clock(t);
  const busy = createBusy();
  const end = begin(busy, 'working');
  const asked = begin(busy, 'asked');
  pass(100);
  const waiting = begin(busy, 'waiting');
  pass(100);
  t.equal(busySeconds(busy, now()), 0.2, 'the model works while the next documents are read');
  end();
  pass(100);
  waiting();
  pass(50);
  asked();
  t.equal(busySeconds(busy, now()), 0.25);
});

t.test('who is left early, or fails, is not busy any more', async (t) => {
  const { pass, now } = clock(t);
  const busy = createBusy();
  async function* values() {
    yield 1;
    throw new Error('bad');
  }
  for await (const _ of timed(values(), busy, 'asked')) break;
  await t.rejects(async () => {
    for await (const _ of timed(values(), busy, 'asked'));
  }, /bad/);
  pass(100);
  t.equal(busySeconds(busy, now()), 0);
});
