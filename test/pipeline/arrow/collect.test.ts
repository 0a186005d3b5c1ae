import { setImmediate, setTimeout } from 'node:timers/promises';
import t from 'tap';
import { collectAfter } from '../../../pipeline/arrow/collect.js';

const megabytes = 1e6;

/** Bytes of buffers, once what was let go has been freed, which happens beside this thread. */
async function settled(atMost: number): Promise<number> {
  for (let i = 0; i < 1000 && process.memoryUsage().arrayBuffers > atMost; i++) await setTimeout(5);
  return process.memoryUsage().arrayBuffers;
}

t.test('young buffers that nobody uses are gone once enough bytes have passed', async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 10; i++) new ArrayBuffer(megabytes).slice(1);
  collectAfter(3 * megabytes);
  await setImmediate();
  t.ok(process.memoryUsage().arrayBuffers - before > 10 * megabytes, 'not yet');
  collectAfter(2 * megabytes);
  t.ok((await settled(before + megabytes)) - before < megabytes);
});

const held: ArrayBuffer[] = [];

function hold(): void {
  for (let i = 0; i < 10; i++) held.push(new ArrayBuffer(megabytes));
}

t.test('old ones are, after more bytes', async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  hold();
  // What survives two collections of the young is old.
  for (let i = 0; i < 3; i++) collectAfter(5 * megabytes);
  await setImmediate();
  held.length = 0;
  collectAfter(5 * megabytes);
  await setImmediate();
  t.ok(process.memoryUsage().arrayBuffers - before > 9 * megabytes, 'not yet');
  collectAfter(64 * megabytes);
  t.ok((await settled(before + megabytes)) - before < megabytes);
});
