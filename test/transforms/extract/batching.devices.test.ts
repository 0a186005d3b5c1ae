import { Int32 } from 'apache-arrow';
import t from 'tap';
import { DeviceLost } from '../../../pipeline/errors.js';
import { OutOfMemory } from '../../../transforms/backbone/session-faults.js';
import { poolOf } from '../../../transforms/backbone/session-pool.js';
import type { Session, TokenBatch } from '../../../transforms/backbone/types.js';
import { type Documents, runDocuments } from '../../../transforms/extract/batching.js';
import { SeenDocuments } from '../../../transforms/extract/seen.js';
import { batchOf, recordBatch } from '../../fixtures/engine.js';
import { randomIntegers } from '../nag/random.js';

/** Shares out a device's turns: some are slow, by a plan of its own. */
interface Plan {
  readonly device: string;
  /** Turns of the event loop that a run takes. */
  readonly turns: () => number;
  /** Most tokens that its memory takes. */
  readonly most?: number;
  readonly lostAt?: number;
}

/** A device whose outputs follow from the ids, and that takes its time. */
function fakeDevice({
  device,
  turns,
  most = Number.POSITIVE_INFINITY,
  lostAt = Number.POSITIVE_INFINITY,
}: Plan) {
  const counts = { runs: 0, now: 0, most: 0 };
  const run = async ({ ids, lengths }: TokenBatch) => {
    counts.runs++;
    counts.most = Math.max(counts.most, ++counts.now);
    for (let turn = turns(); turn > 0; turn--) await new Promise(setImmediate);
    counts.now--;
    if (counts.runs >= lostAt) throw new DeviceLost(`the model failed on ${device}: device lost`);
    if (ids.length > most) throw new OutOfMemory('full', device);
    let at = 0;
    const top = Array.from(lengths, (length) => {
      at += length;
      return [length, ids[at - 1]!];
    });
    return { top: { fwd_up: Int32Array.from(top.flat()) }, impacts: {} };
  };
  const close = async () => undefined;
  const session: Session = {
    layers: 1,
    vocabulary: 1000,
    device,
    concurrency: 2,
    width: () => 4,
    close,
    run,
  };
  return { session, counts };
}

const random = randomIntegers(7);
const documents = Array.from({ length: 300 }, () =>
  Int32Array.from({ length: 1 + random(9) }, () => random(900)),
);
const expected = documents.flatMap((ids) => [ids.length, ids.at(-1)]);

/** Runs the documents, in batches of seven, and gives what comes out in order. */
async function run(session: Session, window = 50) {
  const halved: string[] = [];
  let done = 0;
  async function* input(): AsyncGenerator<Documents> {
    for (let at = 0; at < documents.length; at += 7) {
      const ids = documents.slice(at, at + 7);
      yield { batch: batchOf(recordBatch({ n: [new Int32(), ids.map((_, i) => i)] }), 0, at), ids };
    }
  }
  const top: number[] = [];
  const seen = new SeenDocuments(400);
  for await (const { result } of runDocuments(input(), {
    session,
    batchTokens: 40,
    pace: { documents: window, took: () => undefined },
    seen,
    onDone: (count) => {
      done += count;
    },
    onHalved: (device) => halved.push(device),
    signal: new AbortController().signal,
  }))
    top.push(...(result.top.fwd_up ?? []));
  const known = documents.map((ids) => seen.get(Buffer.from(ids.buffer).toString('latin1')) !== undefined);
  return { top, halved, done, known };
}

const devices = (plans: readonly Plan[]) => plans.map(fakeDevice);
const slow = (seed: number, most: number) => {
  const next = randomIntegers(seed);
  return () => next(most);
};

t.test(
  'whichever device is quicker: the documents in their order, and the same ones remembered',
  async (t) => {
    const alone = await run(fakeDevice({ device: 'cuda:0', turns: () => 0 }).session);
    t.same(alone.top, expected);
    for (const seed of [1, 2, 3]) {
      const three = devices([
        { device: 'cuda:0', turns: slow(seed, 2) },
        { device: 'cuda:1', turns: slow(seed + 10, 30) },
        { device: 'cuda:2', turns: slow(seed + 20, 6) },
      ]);
      const found = await run(poolOf(three.map(({ session }) => session)));
      t.same(found, alone);
      t.ok(
        three.every(({ counts }) => counts.runs > 0 && counts.most === 2),
        `each worked, with two runs under way at most: ${JSON.stringify(three.map(({ counts }) => counts))}`,
      );
      t.ok(three[0]!.counts.runs > three[1]!.counts.runs, 'the quick one did more');
    }
  },
);

t.test('a device whose memory is smaller: batches are halved, whoever runs the halves', async (t) => {
  const two = devices([
    { device: 'cuda:0', turns: slow(1, 5) },
    { device: 'cuda:1', turns: slow(2, 5), most: 15 },
  ]);
  const { top, halved, done } = await run(poolOf(two.map(({ session }) => session)));
  t.same(top, expected);
  t.equal(done, documents.length, 'every document once');
  t.same([...new Set(halved)], ['cuda:1']);
});

t.test('a device that is lost ends the run, when nothing is under way any more', async (t) => {
  const two = devices([
    { device: 'cuda:0', turns: slow(1, 5) },
    { device: 'cuda:1', turns: slow(2, 5), lostAt: 4 },
  ]);
  await t.rejects(run(poolOf(two.map(({ session }) => session))), {
    name: 'DeviceLost',
    passing: true,
    message: 'the model failed on cuda:1: device lost',
  });
  t.same(
    two.map(({ counts }) => counts.now),
    [0, 0],
  );
});
