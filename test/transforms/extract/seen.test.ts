import { Int32 } from 'apache-arrow';
import t from 'tap';
import type { Session, TokenBatch } from '../../../transforms/backbone/types.js';
import { type Documents, runDocuments } from '../../../transforms/extract/batching.js';
import { SeenDocuments } from '../../../transforms/extract/seen.js';
import { batchOf, recordBatch } from '../../fixtures/engine.js';
import { randomIntegers } from '../nag/random.js';

/** A session whose outputs follow from the ids, and that notes what it is given. */
function fakeSession(log: string[]): Session {
  return {
    layers: 1,
    vocabulary: 1000,
    device: 'cpu',
    concurrency: 1,
    width: () => 4,
    close: async () => undefined,
    run: async ({ ids, lengths }: TokenBatch) => {
      const top: number[] = [];
      const impacts: number[] = [];
      let at = 0;
      for (const length of lengths) {
        const own = ids.subarray(at, at + length);
        at += length;
        log.push(own.join());
        const sum = own.reduce((a, b) => a + b, 0);
        top.push(sum, length);
        impacts.push(sum / 2, length, own[0]!);
      }
      return { top: { fwd_up: Int32Array.from(top) }, impacts: { att_o: Float32Array.from(impacts) } };
    },
  };
}

async function run(documents: readonly Int32Array[], log: string[], window: number, seen?: SeenDocuments) {
  const counts = { documents: 0, tokens: 0 };
  async function* input(): AsyncGenerator<Documents> {
    for (let at = 0; at < documents.length; at += 5) {
      const ids = documents.slice(at, at + 5);
      yield { batch: batchOf(recordBatch({ n: [new Int32(), ids.map((_, i) => i)] }), 0, at), ids };
    }
  }
  const top: number[] = [];
  const impacts: number[] = [];
  const runs = runDocuments(input(), {
    session: fakeSession(log),
    batchTokens: 30,
    pace: { documents: window, took: () => undefined },
    ...(seen ? { seen } : {}),
    onDone: (done, tokens) => {
      counts.documents += done;
      counts.tokens += tokens;
    },
    onHalved: () => undefined,
    signal: new AbortController().signal,
  });
  for await (const { result } of runs) {
    top.push(...(result.top.fwd_up ?? []));
    impacts.push(...(result.impacts.att_o ?? []));
  }
  return { top, impacts, counts };
}

const random = randomIntegers(3);
const documents = Array.from({ length: 200 }, () =>
  Int32Array.from({ length: 1 + random(4) }, () => 1 + random(3)),
);
const expectedTop = documents.flatMap((ids) => [ids.reduce((a, b) => a + b, 0), ids.length]);

t.test('equal documents of a window are computed once, and each has its outputs', async (t) => {
  const log: string[] = [];
  const { top, impacts, counts } = await run(documents, log, 1000);
  t.same(top, expectedTop);
  t.same(
    impacts,
    documents.flatMap((ids) => [ids.reduce((a, b) => a + b, 0) / 2, ids.length, ids[0]]),
  );
  t.equal(log.length, new Set(log).size, 'never twice');
  t.equal(log.length, new Set(documents.map((ids) => ids.join())).size);
  t.equal(counts.documents, documents.length, 'all count as worked through');
});

t.test('documents are remembered from window to window, and from run to run', async (t) => {
  const log: string[] = [];
  const seen = new SeenDocuments(1e6);
  for (const window of [5, 50]) t.same((await run(documents, log, window, seen)).top, expectedTop);
  t.equal(log.length, new Set(documents.map((ids) => ids.join())).size);
});

t.test('what does not fit into the memory is computed again, with the same outputs', async (t) => {
  const log: string[] = [];
  const seen = new SeenDocuments(200);
  for (const window of [5, 50]) t.same((await run(documents, log, window, seen)).top, expectedTop);
  t.ok(log.length > new Set(log).size);
});
