import { Worker } from 'node:worker_threads';
import t from 'tap';
import { SessionThread } from '../../../transforms/backbone/session-thread.js';
import { cpu } from './run-graph.js';

const request = () => ({
  ids: Int32Array.of(1),
  lengths: Int32Array.of(1),
  documents: 1,
  length: 1,
  outputs: ['y'],
});

/** A thread whose answers a test writes as JavaScript: `port`, `message` and a `count` of runs are in scope. */
function fake(onRun: string): SessionThread {
  const code = `
    const port = require('node:worker_threads').parentPort;
    let count = 0;
    port.on('message', (message) => {
      if (message.kind === 'close') return port.close();
      count++;
      ${onRun}
    });`;
  return new SessionThread(new Worker(code, { eval: true }), 'cuda:1');
}

const answer = `port.postMessage({ kind: 'result', id: message.id, outputs: { y: Int32Array.of(count) } });`;

t.test('answers go to their runs, also out of order', async (t) => {
  const thread = fake(`
    globalThis.first ??= message;
    if (count === 2) for (const { id } of [message, globalThis.first])
      port.postMessage({ kind: 'result', id, outputs: { y: Int32Array.of(id) } });`);
  const runs = await Promise.all([thread.run(request()), thread.run(request())]);
  t.same(
    runs.map((outputs) => outputs['y']?.[0]),
    [0, 1],
  );
  await thread.close();
});

t.test('a run that fails rejects alone', async (t) => {
  const thread = fake(`
    if (count === 1) port.postMessage({ kind: 'failed', id: message.id, error: new Error('bad allocation') });
    else { ${answer} }`);
  const [bad, good] = await Promise.allSettled([thread.run(request()), thread.run(request())]);
  t.match(bad, {
    status: 'rejected',
    reason: { name: 'OutOfMemory', message: 'the model failed on cuda:1: bad allocation' },
  });
  t.match(good, { status: 'fulfilled' });
  await thread.close();
});

t.test('the death of the thread rejects all runs, and those to come', async (t) => {
  const thread = fake('if (count === 2) process.exit(3);');
  const runs = await Promise.allSettled([
    thread.run(request()),
    thread.run(request()),
    thread.run(request()),
  ]);
  for (const run of runs)
    t.match(run, {
      status: 'rejected',
      reason: { name: 'DeviceLost', passing: true, message: /ended with code 3/ },
    });
  await t.rejects(thread.run(request()), { name: 'DeviceLost', message: /ended with code 3/ });
  await thread.close();
});

t.test('an error that nobody caught in the thread rejects all runs', async (t) => {
  const thread = fake(`throw new Error('out of luck');`);
  const message = /the model's thread on cuda:1 failed: out of luck/;
  await t.rejects(thread.run(request()), { name: 'DeviceLost', message, cause: { message: 'out of luck' } });
  await thread.close();
});

t.test('closing is done once, and nothing runs after it', async (t) => {
  const thread = fake(answer);
  t.same((await thread.run(request()))['y'], Int32Array.of(1));
  const closing = [thread.close(), thread.close()];
  await t.rejects(thread.run(request()), { name: 'NagError', message: 'the model is closed' });
  await Promise.all(closing);
});

t.test('a model that cannot be loaded is onnxruntime’s error, and leaves no thread', async (t) => {
  const setup = { model: Uint8Array.of(1, 2, 3), folder: '.', device: cpu, threads: 1 };
  await t.rejects(SessionThread.open(setup), /protobuf/i);
});
