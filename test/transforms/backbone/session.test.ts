import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSession, type SessionOptions } from '../../../transforms/backbone/session.js';
import { neuronTypes } from '../../../transforms/backbone/types.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { randomDocuments, sortedTop } from './run-graph.js';

const batchOf = (documents: readonly (readonly number[])[]) => ({
  ids: Int32Array.from(documents.flat()),
  lengths: Int32Array.from(documents, (document) => document.length),
});

const upOf = (model: string): SessionOptions => ({
  model,
  neurons: ['fwd_up'],
  top: { fwd_up: 5 },
  maxLength: 64,
  device: 'cpu',
  threads: 1,
});

t.test('shapes, names and outputs are what was asked for', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3');
  const top = { fwd_up: 5, fwd_down: 1000 };
  const session = await openSession({
    ...upOf(model),
    neurons: neuronTypes,
    top,
    impacts: ['att_k', 'fwd_up'],
  });
  t.match(session, { layers: 4, vocabulary: 320, device: 'cpu' });
  t.same(
    neuronTypes.map((type) => session.width(type)),
    [80, 48, 64, 64, 64, 48],
  );
  const result = await session.run(batchOf(randomDocuments([3, 64, 1], 320)));
  t.same(Object.keys(result.top).sort(), ['fwd_down', 'fwd_up']);
  t.same(Object.keys(result.impacts).sort(), ['att_k', 'fwd_up']);
  t.equal(result.top.fwd_up?.length, 3 * 4 * 5);
  t.equal(result.top.fwd_down?.length, 3 * 4 * 48, 'k is at most the width');
  t.equal(result.impacts.att_k?.length, 3 * 4 * 64);
  const last = Array.from(result.impacts.fwd_up ?? []).slice(-80);
  t.same(
    Array.from(result.top.fwd_up ?? []).slice(-5),
    sortedTop(last, 5),
    'row-major: documents, layers, k',
  );
  await session.close();
});

t.test('the first layers only', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'llama');
  const session = await openSession({ ...upOf(model), layers: 2 });
  t.equal(session.layers, 2);
  const result = await session.run(batchOf(randomDocuments([3], 320)));
  t.equal(result.top.fwd_up?.length, 2 * 5);
  await session.close();
});

t.test('runs are queued, in order, and closing waits for them', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'smollm3');
  const session = await openSession(upOf(model));
  const documents = randomDocuments([5, 64, 7, 1, 30], 320);
  const finished: number[] = [];
  const runs = documents.map(async (document, i) => {
    const result = await session.run(batchOf([document]));
    finished.push(i);
    return result.top.fwd_up;
  });
  const closed = session.close();
  const alone = await Promise.all(runs);
  await closed;
  t.same(finished, [0, 1, 2, 3, 4]);
  await t.rejects(session.run(batchOf([[1]])), { name: 'NagError', message: 'the model is closed' });
  await session.close();
  const again = await openSession(upOf(model));
  const together = await again.run(batchOf(documents));
  await again.close();
  t.same(
    alone.flatMap((top) => [...(top ?? [])]),
    [...(together.top.fwd_up ?? [])],
  );
});

t.test('the caller keeps its arrays; no documents give no rows', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3');
  const session = await openSession(upOf(model));
  const batch = batchOf([[1, 2, 3]]);
  await session.run(batch);
  t.same([...batch.ids, ...batch.lengths], [1, 2, 3, 3]);
  const empty = await session.run(batchOf([]));
  t.equal(empty.top.fwd_up?.length, 0);
  await session.close();
});

t.test('documents that the model must not see are refused, and the session goes on', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3');
  const session = await openSession(upOf(model));
  await t.rejects(session.run(batchOf([[1], []])), { name: 'NagError', message: /document 1 .* 0 tokens/ });
  await t.rejects(session.run(batchOf([[320]])), { name: 'NagError', message: /token id 320/ });
  await t.rejects(session.run(batchOf([[-1]])), { name: 'NagError', message: /token id -1/ });
  await t.rejects(session.run(batchOf(randomDocuments([65], 320))), {
    name: 'NagError',
    message: /at most 64/,
  });
  await t.resolves(session.run(batchOf(randomDocuments([64], 320))));
  await session.close();
});

t.test('wrong options are refused', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3');
  const refused: readonly [change: Partial<SessionOptions>, message: RegExp][] = [
    [{ neurons: [], top: {} }, /without any output/],
    [{ top: {} }, /without any output/],
    [{ top: { fwd_up: 0 } }, /k of fwd_up must be a whole number of at least 1, found 0/],
    [{ top: { fwd_up: 1.5 } }, /k of fwd_up .* found 1\.5/],
    [{ layers: 5 }, /layers must be a whole number of at least 1 and at most 4 \(.* has 4\), found 5/],
    [{ layers: 0 }, /layers must/],
    [{ maxLength: 0 }, /maxLength must/],
    [{ maxLength: 2049 }, /maxLength must be .* at most 2048 \(.* was made for 2048 positions\), found 2049/],
    [{ threads: 0 }, /threads must/],
    [{ device: 'tpu' }, /device "tpu" is unknown/],
  ];
  for (const [change, message] of refused) {
    await t.rejects(openSession({ ...upOf(model), ...change }), { name: 'NagError', message });
  }
});

t.test('outputs of types that are not among the neurons are refused', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3');
  await t.rejects(
    openSession({ ...upOf(model), top: { fwd_up: 5, att_q: 5 } }),
    /top: att_q is not among the neurons fwd_up/,
  );
  await t.rejects(
    openSession({ ...upOf(model), impacts: ['att_o'] }),
    /impacts: att_o is not among the neurons fwd_up/,
  );
});

t.test('wrong folders are refused before any thread starts', async (t) => {
  const model = t.testdir();
  await t.rejects(openSession(upOf(model)), {
    name: 'DataError',
    place: { file: join(model, 'config.json') },
  });
});

t.test('log-probabilities, alone or beside impacts, on the right documents', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3', { tied: false });
  const documents = randomDocuments([3, 40, 1, 2], 320);
  const alone = await openSession({ ...upOf(model), neurons: [], top: {}, logProbabilities: true });
  t.teardown(() => alone.close());
  const result = await alone.run(batchOf(documents));
  t.same(
    result.logProbabilities?.map((values) => values.length),
    [2, 39, 0, 1],
  );
  const both = await openSession({ ...upOf(model), logProbabilities: true });
  t.teardown(() => both.close());
  const beside = await both.run(batchOf([documents[1]!]));
  t.same(beside.logProbabilities?.[0], result.logProbabilities?.[1], 'padding changes nothing');
  t.equal(beside.top.fwd_up?.length, 4 * 5);
  const single = await alone.run(batchOf([[7]]));
  t.same(single.logProbabilities, [new Float32Array(0)]);
  t.same((await alone.run(batchOf([]))).logProbabilities, []);
});

t.test('log-probabilities need all layers and a head', async (t) => {
  const model = t.testdir();
  await writeCheckpoint(model, 'llama');
  const request = { ...upOf(model), logProbabilities: true };
  await t.rejects(openSession({ ...request, layers: 2 }), {
    message: 'logProbabilities need all 4 layers, found 2',
  });
  const config = join(model, 'config.json');
  writeFileSync(
    config,
    readFileSync(config, 'utf8').replace('"tie_word_embeddings": true', '"tie_word_embeddings": false'),
  );
  await t.rejects(openSession(request), {
    name: 'DataError',
    message: /tensor "lm_head.weight" of shape \[320, 48\] is missing/,
  });
  await t.resolves(
    openSession(upOf(model)).then((session) => session.close()),
    'impacts do not',
  );
});
