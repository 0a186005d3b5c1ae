import { join } from 'node:path';
import { Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { extract } from '../../transforms/extract.js';
import { profile } from '../../transforms/profile.js';
import { rank } from '../../transforms/rank.js';
import { score } from '../../transforms/score.js';
import { tokenize } from '../../transforms/tokenize.js';
import { topK } from '../../transforms/top-k.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import {
  cells,
  collectSink,
  memorySource,
  recordBatch,
  runStages,
  type StageRow,
  settle,
  sinkLog,
  sourceLog,
} from '../fixtures/engine.js';

/** Documents of different lengths, two a batch. */
function documents(batches: number, rows = 2) {
  return Array.from({ length: batches }, (_, batch) => {
    const numbers = Array.from({ length: rows }, (_, i) => batch * rows + i);
    return recordBatch({
      docid: [new Utf8(), numbers.map((n) => `d${n}`)],
      doc: [new Utf8(), numbers.map((n) => 'some words '.repeat(1 + (n % 7)))],
      token_num: [new Int32(), numbers.map((n) => 1 + (n % 7))],
    });
  });
}

function nag(model: string, name: string, window = 8): StageRow[] {
  return [
    [`${name}_tokens`, tokenize, { model, max_length: 16 }],
    [`${name}_impacts`, extract, { model, device: 'cpu', window, batch_tokens: 64, threads: 1 }],
    [`${name}_features`, topK, { k: 4 }],
  ];
}

t.test('through tokenize and the windows of extract the source stays a window ahead, no more', async (t) => {
  const dir = t.testdir();
  const model = join(dir, 'model');
  await writeModelFolder(model, 'llama');
  const log = sourceLog();
  let [taken, ahead] = [0, 0];
  const slow = collectSink(sinkLog(), async (batch) => {
    taken += batch.rows.length;
    await settle();
    ahead = Math.max(ahead, log.batches * 2 - taken);
  });
  await runStages([['pool', memorySource([documents(60)], { log })], ...nag(model, 'pool'), ['out', slow]], {
    tempDir: dir,
  });
  t.equal(taken, 120);
  t.ok(ahead <= 3 * 8, `at most three windows of 8 documents ahead, found ${ahead}`);
});

t.test('an empty pool passes every stage and gives all columns', async (t) => {
  const dir = t.testdir();
  const model = join(dir, 'model');
  await writeModelFolder(model, 'llama');
  const [scored, ranked] = [sinkLog(), sinkLog()];
  await runStages(
    [
      ['target', memorySource([documents(3)])],
      ...nag(model, 'target'),
      ['profile', profile],
      ['pool', memorySource([documents(1, 0), documents(1, 0)])],
      ...nag(model, 'pool'),
      ['score', score, {}, ['pool_features'], { profile: 'profile' }],
      ['scored', collectSink(scored)],
      ['rank', rank, { fraction: 0.5 }, ['score']],
      ['ranked', collectSink(ranked)],
    ],
    { tempDir: dir },
  );
  for (const [log, more] of [
    [scored, ['nag_distance']],
    [ranked, ['nag_distance', 'nag_rank']],
  ] as const) {
    t.strictSame(cells(log.batches, 'docid'), []);
    t.strictSame(
      log.batches[0]?.columns.schema.fields.map((field) => field.name),
      ['docid', 'doc', 'token_num', ...more],
    );
  }
});

t.test('a selection comes out batch by batch: a slow sink holds the second reading back', async (t) => {
  const dir = t.testdir();
  const model = join(dir, 'model');
  await writeModelFolder(model, 'llama');
  const log = sourceLog();
  let [taken, ahead, before] = [0, 0, -1];
  const slow = collectSink(sinkLog(), async () => {
    if (before < 0) before = log.batches - 1;
    taken++;
    await settle();
    ahead = Math.max(ahead, log.batches - before - taken);
  });
  await runStages(
    [
      ['target', memorySource([documents(3)])],
      ...nag(model, 'target'),
      ['profile', profile],
      ['pool', memorySource([documents(10), documents(10)], { log })],
      ...nag(model, 'pool'),
      ['score', score, {}, ['pool_features'], { profile: 'profile' }],
      ['rank', rank, { fraction: 1 }],
      ['out', slow],
    ],
    { tempDir: dir },
  );
  t.equal(taken, 20);
  t.ok(ahead <= 2, `found ${ahead}`);
});
