import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { jsonReporter } from '../../pipeline/json-log.js';
import { addTo, createStats, finish, start } from '../../pipeline/stats.js';

/** A reporter whose clock stands at the beginning of 2027. */
function reporter(t: Test) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2027, 0) });
  const monotonic = mock.method(performance, 'now', () => Date.now());
  t.teardown(() => {
    mock.timers.reset();
    monotonic.mock.restore();
  });
  const written: string[] = [];
  const lines = () => written.splice(0).map((text) => JSON.parse(text) as unknown);
  return { reporter: jsonReporter('r1', 'nightly', { write: (text) => written.push(text) }), lines };
}

const base = { time: '2027-01-01T00:00:00.000Z', run: 'r1', name: 'nightly' };

t.test('a line is one object, whatever is in it', async (t) => {
  const written: string[] = [];
  const out = jsonReporter('r1', 'a\nb', { write: (text) => written.push(text) });
  out.note('two\nlines "quoted"');
  out.event('published', { files: ['x'] });
  t.equal(written.length, 2);
  for (const text of written) t.match(text, /^\{[^\n]*\}\n$/);
  t.match(JSON.parse(written[0]!), {
    level: 'warn',
    event: 'note',
    name: 'a\nb',
    message: 'two\nlines "quoted"',
  });
  t.match(JSON.parse(written[1]!), { level: 'info', event: 'published', files: ['x'] });
});

t.test('stages are told when they start and end', async (t) => {
  const { reporter: out, lines } = reporter(t);
  const stage = createStats('read.jsonl', 'source');
  out.start(new Map([['pool', stage]]));
  start(stage);
  start(stage);
  Object.assign(stage, { rowsIn: 5, rowsOut: 3 });
  addTo(stage.leftOut, 'empty', 2);
  mock.timers.tick(1500);
  finish(stage);
  const own = { ...base, level: 'info', stage: 'pool', label: 'read.jsonl', kind: 'source' };
  t.strictSame(lines(), [
    { ...own, event: 'stage started' },
    {
      ...own,
      time: '2027-01-01T00:00:01.500Z',
      event: 'stage done',
      rows_in: 5,
      rows_out: 3,
      left_out: { empty: 2 },
      rejected: 0,
      figures: {},
      seconds: 1.5,
    },
  ]);
  out.stop();
});

t.test('progress comes soon, and then every minute until the end', async (t) => {
  const { reporter: out, lines } = reporter(t);
  const extract = createStats('extract+top_k', 'transform');
  const model = createStats('model', 'transform');
  out.start(
    new Map([
      ['extract', extract],
      ['model', model],
      ['rank', createStats('rank', 'combine')],
    ]),
  );
  start(extract);
  Object.assign(extract, { rowsIn: 30, rowsOut: 20, worked: 25, expected: 100 });
  addTo(extract.figures, 'tokens', 1000);
  model.doing = 'fetching';
  lines();
  mock.timers.tick(4999);
  t.strictSame(lines(), []);
  mock.timers.tick(1);
  t.match(lines(), [
    {
      event: 'progress',
      level: 'info',
      stages: [
        {
          stage: 'extract',
          label: 'extract+top_k',
          state: 'running',
          rows: 25,
          rows_per_second: 5,
          tokens_per_second: 200,
          percent: 25,
          seconds_left: 15,
        },
        { stage: 'model', state: 'waiting', doing: 'fetching' },
      ],
    },
  ]);
  mock.timers.tick(60_000);
  mock.timers.tick(60_000);
  t.equal(lines().length, 2);
  out.stop();
  out.stop();
  mock.timers.tick(600_000);
  t.strictSame(lines(), []);
});
