import t from 'tap';
import { ConfigError } from '../../pipeline/config/problems.js';
import { DataError, NagError } from '../../pipeline/errors.js';
import { atStage, withPlaces, withStage } from '../../pipeline/stage-error.js';

const pool = { fused: ['pool'], place: 'c.yaml:3:5' };
const model = { fused: ['extract', 'top_k'], place: 'c.yaml:5:7' };

t.test('the first stage that an error leaves is told, behind its message', async (t) => {
  const error = new DataError({ file: 'a.parquet', row: 3 }, 'is bad');
  atStage(atStage(error, pool), model);
  t.equal(error.message, 'a.parquet: row 3: is bad (stage "pool", c.yaml:3:5)');
  t.equal(error.reason, 'is bad');
  t.equal(
    (atStage(new NagError('no'), model) as Error).message,
    'no (stage "extract" + "top_k", c.yaml:5:7)',
  );
  t.equal((atStage(new NagError('no'), { fused: ['a'] }) as Error).message, 'no (stage "a")');
});

t.test('defects, faults of the configuration and what stops the run stay as they are', async (t) => {
  const stopping = new AbortController();
  const reason = new NagError('out of time');
  stopping.abort(reason);
  const errors = [new TypeError('x'), new ConfigError('c.yaml:1:1  y'), reason];
  const told = errors.map((error) => (atStage(error, pool, stopping.signal) as Error).message);
  t.strictSame(told, ['x', 'c.yaml:1:1  y', 'out of time']);
});

t.test('what a plugin throws is an error of its file; what it passes on is not', async (t) => {
  const own = { ...model, component: { file: '/home/me/own.mjs' } };
  const told = [new RangeError('x'), 'a text', null].map((thrown) => (atStage(thrown, own) as Error).message);
  const stage = '(stage "extract" + "top_k", c.yaml:5:7)';
  t.strictSame(told, [
    `/home/me/own.mjs: RangeError: x ${stage}`,
    `/home/me/own.mjs: a text ${stage}`,
    `/home/me/own.mjs: null ${stage}`,
  ]);
  const defect = new TypeError('from above');
  t.equal(atStage(atStage(defect, pool), own), defect);
});

t.test('one fault that several stages have', async (t) => {
  const errors = [pool, model].map((node) => atStage(new NagError('no model'), node) as Error);
  t.strictSame(withPlaces([...errors, new NagError('full')]), [
    'no model (stage "pool", c.yaml:3:5; stage "extract" + "top_k", c.yaml:5:7)',
    'full',
  ]);
});

t.test('a stream of a stage that throws', async (t) => {
  async function* two() {
    yield 1;
    throw new NagError('late');
  }
  const seen: number[] = [];
  const read = async () => {
    for await (const item of withStage(two(), pool, new AbortController().signal)) seen.push(item);
  };
  await t.rejects(read(), { message: 'late (stage "pool", c.yaml:3:5)' });
  t.strictSame(seen, [1]);
});
