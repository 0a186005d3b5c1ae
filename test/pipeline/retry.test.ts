import { constants } from 'node:os';
import t from 'tap';
import { DataError, DeviceLost, NagError } from '../../pipeline/errors.js';
import { isPassing, withRetries } from '../../pipeline/retry.js';
import { Interrupted } from '../../pipeline/run.js';

const coded = (code: string) => Object.assign(new Error(`${code}: i/o error, read`), { code });
const wrapped = (cause: unknown) =>
  new DataError({ file: 'a.parquet', row: 3 }, 'cannot be read', {
    cause: new Error('parquet', { cause }),
  });

t.test('what passes', async (t) => {
  for (const code of ['EIO', 'EBUSY', 'EMFILE', 'ESTALE', 'ETIMEDOUT', 'ENETUNREACH', 'EAI_AGAIN']) {
    t.ok(isPassing(coded(code)), code);
    t.ok(isPassing(wrapped(coded(code))), `${code} as a cause`);
  }
  const { ESTALE } = constants.errno;
  const stale = { code: `Unknown system error -${ESTALE}`, errno: -ESTALE };
  t.ok(isPassing(Object.assign(new Error('stale'), stale)), 'an error that Node has no code for');
  t.ok(isPassing(new DeviceLost('the device is gone')));
  t.ok(isPassing(wrapped(new DeviceLost('the device is gone'))));
  t.ok(isPassing(new NagError('no answer', { cause: new AggregateError([coded('ECONNREFUSED')]) })));
});

t.test('what does not', async (t) => {
  for (const code of ['ENOENT', 'EACCES', 'EROFS', 'ENOSPC', 'EISDIR', 'ERR_INVALID_ARG_TYPE'])
    t.notOk(isPassing(wrapped(coded(code))), code);
  t.notOk(isPassing(new NagError('wrong option')));
  t.notOk(isPassing(new DataError({ row: 1 }, 'EIO is only in the text')));
  t.notOk(isPassing(new Interrupted('SIGTERM', 143)));
  t.notOk(isPassing(undefined));
  t.notOk(isPassing('EIO'));
  const circle = new Error('a');
  circle.cause = circle;
  t.notOk(isPassing(circle), 'a chain that does not end');
});

/** Work that fails with these errors, one a try, and then gives its number. */
function failing(errors: readonly unknown[]) {
  const attempts: number[] = [];
  const told: [string, number, number][] = [];
  return {
    attempts,
    told,
    work: async (attempt: number) => {
      attempts.push(attempt);
      if (attempt <= errors.length) throw errors[attempt - 1];
      return `try ${attempt}`;
    },
    onRetry: (error: unknown, attempt: number, seconds: number) => {
      told.push([String(error), attempt, seconds]);
    },
  };
}

const never = new AbortController().signal;

t.test('tries again, with waits that double', async (t) => {
  const { work, attempts, told, onRetry } = failing(['EIO', 'EBUSY', 'EIO'].map(coded));
  t.equal(await withRetries(work, { attempts: 3, wait: 0.001, signal: never, onRetry }), 'try 4');
  t.same(attempts, [1, 2, 3, 4]);
  t.same(
    told.map(([, attempt, seconds]) => [attempt, seconds]),
    [
      [1, 0.001],
      [2, 0.002],
      [3, 0.004],
    ],
  );
  t.match(told[1]?.[0], 'EBUSY');
});

t.test('gives up with the last error', async (t) => {
  const errors = ['EIO', 'EBUSY', 'EMFILE'].map(coded);
  const { work, attempts, onRetry } = failing(errors);
  await t.rejects(withRetries(work, { attempts: 2, wait: 0.001, signal: never, onRetry }), {
    code: 'EMFILE',
  });
  t.same(attempts, [1, 2, 3]);
  const once = failing(errors);
  await t.rejects(withRetries(once.work, { ...once, attempts: 0, wait: 1, signal: never }), { code: 'EIO' });
});

t.test('faults of the data are not tried again, nor is anything after an interruption', async (t) => {
  const data = failing([coded('EIO'), new DataError({ row: 1 }, 'is no text')]);
  await t.rejects(withRetries(data.work, { ...data, attempts: 5, wait: 0.001, signal: never }), {
    name: 'DataError',
  });
  t.same(data.attempts, [1, 2]);
  const stopping = new AbortController();
  const stopped = failing([coded('EIO')]);
  const work = async (attempt: number) => {
    stopping.abort(new Interrupted('SIGINT', 130));
    return await stopped.work(attempt);
  };
  await t.rejects(withRetries(work, { ...stopped, attempts: 5, wait: 1, signal: stopping.signal }), {
    code: 'EIO',
  });
  t.same(stopped.attempts, [1]);
});

t.test('an interruption ends the wait', async (t) => {
  const stopping = new AbortController();
  const { work, attempts } = failing([coded('EIO')]);
  const onRetry = () => {
    setImmediate(() => stopping.abort(new Interrupted('SIGTERM', 143)));
  };
  await t.rejects(withRetries(work, { attempts: 3, wait: 3600, signal: stopping.signal, onRetry }), {
    name: 'Interrupted',
    exitCode: 143,
  });
  t.same(attempts, [1]);
});
