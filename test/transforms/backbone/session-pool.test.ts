import t from 'tap';
import { DeviceLost } from '../../../pipeline/errors.js';
import { openPool, poolOf } from '../../../transforms/backbone/session-pool.js';
import type { Session, TokenBatch } from '../../../transforms/backbone/types.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { randomDocuments } from './run-graph.js';

const batch = (...ids: number[]): TokenBatch => ({
  ids: Int32Array.from(ids),
  lengths: Int32Array.of(ids.length),
});

/** A device whose runs end when a test says so. */
function fakeDevice(device: string) {
  const runs: { id: number; end: () => void; fail: (error: Error) => void }[] = [];
  let closed = 0;
  const session: Session = {
    layers: 2,
    vocabulary: 10,
    device,
    concurrency: 2,
    width: () => 4,
    run: ({ ids }) =>
      new Promise((resolve, reject) => {
        const result = { top: { fwd_up: ids.slice() }, impacts: {} };
        runs.push({ id: ids[0]!, end: () => resolve(result), fail: reject });
      }),
    close: async () => void closed++,
  };
  return { session, runs, closed: () => closed };
}

t.test('a run goes to the device with the fewest under way', async (t) => {
  const [a, b] = [fakeDevice('cuda:0'), fakeDevice('cuda:1')];
  const pool = poolOf([a.session, b.session]);
  t.match(pool, { layers: 2, vocabulary: 10, device: 'cuda:0, cuda:1', concurrency: 4 });
  const first = [1, 2, 3, 4].map((id) => pool.run(batch(id)));
  t.same(
    [a.runs.map(({ id }) => id), b.runs.map(({ id }) => id)],
    [
      [1, 3],
      [2, 4],
    ],
  );
  b.runs[0]!.end();
  await first[1];
  const fifth = pool.run(batch(5));
  t.equal(b.runs.at(-1)?.id, 5, 'to the one that became free');
  for (const { end } of [...a.runs, ...b.runs]) end();
  t.same(
    (await Promise.all([...first, fifth])).map(({ top }) => top.fwd_up?.[0]),
    [1, 2, 3, 4, 5],
  );
  await pool.close();
  t.same([a.closed(), b.closed()], [1, 1]);
});

t.test('a device that is lost fails its runs alone, with its own error', async (t) => {
  const [a, b] = [fakeDevice('cuda:0'), fakeDevice('cuda:1')];
  const pool = poolOf([a.session, b.session]);
  const runs = [pool.run(batch(1)), pool.run(batch(2))];
  const lost = new DeviceLost('the model failed on cuda:1: device lost');
  b.runs[0]!.fail(lost);
  a.runs[0]!.end();
  await t.rejects(runs[1]!, lost);
  await t.resolves(runs[0]!);
});

t.test('of one device the session itself, and its name once', async (t) => {
  const { session } = fakeDevice('cpu');
  t.equal(poolOf([session]), session);
  t.equal(poolOf([session, session]).device, 'cpu');
});

t.test('two sessions on the CPU give the bits of one', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3');
  const options = { model, neurons: ['fwd_up'], impacts: ['fwd_up'], maxLength: 64 } as const;
  const one = await openPool({ ...options, devices: ['cpu'], threads: 1 });
  const two = await openPool({ ...options, devices: ['cpu', 'cpu'] });
  t.match([one.concurrency, two.concurrency], [1, 2]);
  const batches = randomDocuments([64, 3, 50, 17, 64, 1], 320).map((document) => batch(...document));
  const run = (session: Session) => Promise.all(batches.map((each) => session.run(each)));
  t.same(await run(two), await run(one));
  await one.close();
  await two.close();
});

t.test('where one device cannot be opened none is left open', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3');
  const options = { model, neurons: ['fwd_up'], impacts: ['fwd_up'], maxLength: 64 } as const;
  await t.rejects(openPool({ ...options, devices: ['cpu', 'cuda:999'] }), {
    message: /^device cuda:999 cannot be opened/,
  });
});
