import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { collectAfter } from '../../../pipeline/arrow/collect.js';

t.test('buffers that nobody uses are gone once enough bytes have passed', async (t) => {
  const buffer = new WeakRef(new ArrayBuffer(1000));
  // A WeakRef holds its target until the current task has ended.
  await setImmediate();
  collectAfter(3e6);
  t.ok(buffer.deref(), 'not yet');
  await setImmediate();
  collectAfter(2e6);
  t.equal(buffer.deref(), undefined);
});
