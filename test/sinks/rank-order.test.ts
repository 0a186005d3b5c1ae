import { readdir } from 'node:fs/promises';
import { Field, Int32, makeData, RecordBatch, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { inRankOrder } from '../../sinks/rank-order.js';
import { allSame } from '../fixtures/all-same.js';
import { cells } from '../fixtures/engine.js';
import { randomIntegers } from '../transforms/nag/random.js';

/** Batches of random sizes whose ranks are a permutation; each row's text says its rank. */
function shuffled(rows: number, seed: number, total = rows): RecordBatch[] {
  const random = randomIntegers(seed);
  const ranks = [...Array(rows).keys()];
  for (let i = rows - 1; i > 0; i--) {
    const j = random(i + 1);
    [ranks[i], ranks[j]] = [ranks[j]!, ranks[i]!];
  }
  const batches: RecordBatch[] = [];
  for (let start = 0; start < rows || batches.length === 0; ) {
    const own = ranks.slice(start, start + 1 + random(200));
    start += Math.max(1, own.length);
    const fields = [
      new Field('text', new Utf8(), true),
      new Field('rank', new Int32(), true, new Map([['nag.rows', String(total)]])),
    ];
    const children = [
      vectorFromArray(
        own.map((rank) => `text of ${rank}`),
        new Utf8(),
      ).data[0]!,
      makeData({ type: new Int32(), data: Int32Array.from(own), nullCount: 0 }),
    ];
    const type = new Struct(fields);
    batches.push(
      new RecordBatch(new Schema(fields), makeData({ type, length: own.length, nullCount: 0, children })),
    );
  }
  return batches;
}

async function* streamed<T>(values: readonly T[], onEnd: () => void = () => undefined): AsyncGenerator<T> {
  try {
    yield* values;
  } finally {
    onEnd();
  }
}

t.test('in memory and through buckets, the rows come by rank, with all their cells', async (t) => {
  const dir = t.testdir();
  await allSame(t, 'what comes out', async (same) => {
    for (const rows of [0, 1, 2, 255, 256, 257, 1000]) {
      for (const limit of [undefined, 1, 20_000]) {
        const out: RecordBatch[] = [];
        for await (const batch of inRankOrder(streamed(shuffled(rows, rows + 1)), 'rank', dir, limit))
          out.push(batch);
        const name = `${rows} rows, limit ${limit}`;
        const ranks = [...Array(rows).keys()];
        same(cells(out, 'rank'), ranks, `${name}: ranks`);
        same(
          cells(out, 'text'),
          ranks.map((rank) => `text of ${rank}`),
          `${name}: texts`,
        );
        same(out.length > 0, true, `${name}: at least one batch, for its columns`);
        same(await readdir(dir), [], `${name}: files that are left`);
      }
    }
  });
});

t.test('buckets are used beyond the limit, and never more than 256', async (t) => {
  for (const total of [20_000, 10]) {
    const dir = t.testdir();
    const input = streamed(shuffled(20_000, 3, total));
    const batches = inRankOrder(input, 'rank', dir, 100_000);
    await batches.next();
    const files = (await readdir(dir)).length;
    t.ok(files > 1 && files <= 256, `${files} files, where ${total} ranks were announced`);
    await batches.return(undefined);
    t.strictSame(await readdir(dir), [], 'removed when the reader leaves early');
  }
});

t.test('an error of the input comes out, and nothing stays on disk', async (t) => {
  const dir = t.testdir();
  async function* failing() {
    yield* shuffled(1000, 5);
    throw new Error('broken');
  }
  for (const limit of [1, 1e9]) {
    const reading = async () => {
      for await (const _ of inRankOrder(failing(), 'rank', dir, limit));
    };
    await t.rejects(reading(), { message: 'broken' });
    t.strictSame(await readdir(dir), []);
  }
});

t.test('a folder that cannot be written to ends the input', async (t) => {
  let ended = false;
  const input = streamed(shuffled(1000, 5), () => {
    ended = true;
  });
  const reading = async () => {
    for await (const _ of inRankOrder(input, 'rank', `${t.testdir()}/missing`, 1));
  };
  await t.rejects(reading(), { message: /cannot make this temporary file/ });
  t.ok(ended);
});
