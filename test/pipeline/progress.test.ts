import { mock } from 'node:test';
import t from 'tap';
import { count, duration, showProgress } from '../../pipeline/progress.js';
import { addTo, createStats, type StageStats } from '../../pipeline/stats.js';

const startedAt = 1_000_000;

/** A running stage since `startedAt`. */
function running(label: string, kind: StageStats['kind'], rows: number, expected?: number): StageStats {
  const stats = createStats(label, kind);
  return Object.assign(stats, { rowsIn: rows, rowsOut: rows, expected, state: 'running', startedAt });
}

/** A screen that remembers, with the clock at `startedAt`. */
function screen(t: Tap, isTTY: boolean, columns = 100) {
  mock.timers.enable({ apis: ['setInterval', 'setTimeout', 'Date'], now: startedAt });
  const monotonic = mock.method(performance, 'now', () => Date.now());
  t.teardown(() => {
    mock.timers.reset();
    monotonic.mock.restore();
  });
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => written.push(text) };
}
type Tap = Pick<typeof t, 'teardown'>;

t.test('a terminal: a line for each stage that has begun, drawn over the one before', async (t) => {
  const out = screen(t, true, 100);
  const source = running('read', 'source', 25, 100);
  const stats = new Map([
    ['read', source],
    ['extract', running('extract', 'transform', 20)],
    ['rank', createStats('rank', 'combine')],
  ]);
  addTo(stats.get('extract')!.figures, 'tokens', 4000);
  const progress = showProgress('nightly', stats, out);
  mock.timers.tick(10_000);
  const first = out.written.slice(-1)[0]!.split('\n');
  t.equal(first.length, 3, 'two lines and an end');
  t.match(first[0], /^read +25 documents +2\.5\/s +25 %, 30 s left$/);
  t.match(first[1], /^extract +20 documents +2\/s +400 tokens\/s$/);
  source.rowsOut = 100;
  source.state = 'done';
  source.endedAt = startedAt + 10_000;
  mock.timers.tick(250);
  t.equal(out.written.at(-2), '\x1b[2A\x1b[0J');
  t.match(out.written.at(-1), /^read +100 documents +10\/s +done\n/);
  progress.say('note: careful');
  t.strictSame(out.written.slice(-2), ['\x1b[2A\x1b[0J', 'note: careful\n'], 'notes stay above');
  mock.timers.tick(250);
  progress.stop();
  t.equal(out.written.at(-1), '\x1b[2A\x1b[0J', 'the display goes');
  const length = out.written.length;
  mock.timers.tick(10_000);
  progress.stop();
  t.equal(out.written.length, length, 'nothing after the end');
});

t.test('what keeps a stage busy before rows flow stands in their place', async (t) => {
  const waiting = createStats('extract', 'transform');
  const doing = 'fetching a/b/model.safetensors: 310 of 1,192 MB, 26 %';
  for (const isTTY of [true, false]) {
    const out = screen(t, isTTY, 120);
    const progress = showProgress('n', new Map([['a', waiting]]), out);
    waiting.doing = doing;
    mock.timers.tick(5000);
    t.equal(out.written.at(-1), isTTY ? `extract             ${doing}\n` : `n: extract ${doing}\n`);
    waiting.doing = undefined;
    mock.timers.tick(60_000);
    t.equal(out.written.at(-1), isTTY ? '' : `n: extract ${doing}\n`);
    progress.stop();
    mock.timers.reset();
  }
});

t.test('a stage that holds rows back shows those it has worked through', async (t) => {
  const out = screen(t, true, 100);
  const stage = Object.assign(running('extract', 'transform', 0, 100), { worked: 20 });
  const progress = showProgress('n', new Map([['extract', stage]]), out);
  mock.timers.tick(10_000);
  t.match(out.written.at(-1), /^extract +20 documents +2\/s +20 %, 40 s left\n$/);
  progress.stop();
});

t.test('a narrow terminal: lines are cut, so that none takes two', async (t) => {
  const out = screen(t, true, 30);
  const progress = showProgress('n', new Map([['a', running('a', 'source', 5, 100)]]), out);
  mock.timers.tick(250);
  progress.stop();
  t.ok(out.written[0]!.split('\n').every((line) => line.length < 30));
});

t.test('no terminal: a line soon, then one a minute', async (t) => {
  const out = screen(t, false);
  const stats = new Map([
    ['read', running('read', 'source', 50, 100)],
    ['rank', Object.assign(running('rank', 'combine', 50), { rowsOut: 0 })],
    ['write', running('write', 'sink', 50)],
  ]);
  const progress = showProgress('nightly', stats, out);
  mock.timers.tick(4999);
  t.strictSame(out.written, []);
  mock.timers.tick(1);
  t.strictSame(out.written, ['nightly: read 50 documents 10/s 50 %, 5.0 s left | rank 50 documents 10/s\n']);
  progress.say('note: careful');
  t.equal(out.written[1], 'note: careful\n');
  for (let i = 0; i < 3; i++) mock.timers.tick(60_000);
  t.equal(out.written.length, 5);
  progress.stop();
  mock.timers.tick(600_000);
  t.equal(out.written.length, 5);
  t.notMatch(out.written.join(''), '\x1b');
});

t.test('what is left', async (t) => {
  const line = (stage: StageStats) => {
    const out = screen(t, false);
    const progress = showProgress('n', new Map([['a', stage]]), out);
    mock.timers.tick(5000);
    progress.stop();
    mock.timers.reset();
    return out.written.join('');
  };
  t.match(line(running('a', 'source', 0, 100)), /0\/s 0 %\n$/, 'nothing yet: no guess');
  t.notMatch(line(running('a', 'source', 10)), '%', 'rows unknown: no share');
  t.notMatch(line(running('a', 'source', 0, 0)), '%', 'no rows at all');
  const filtered = running('a', 'source', 10, 100);
  addTo(filtered.leftOut, 'other language', 40);
  t.match(line(filtered), '50 %, 5.0 s left', 'rows left out are done too');
  t.match(line(running('a', 'source', 150, 100)), /100 %\n$/, 'more than expected: no negative time');
});

t.test('figures', async (t) => {
  t.strictSame([0, 9.96, 34.4, 89, 90, 3600, 5400, 7260].map(duration), [
    '0.0 s',
    '10.0 s',
    '34 s',
    '89 s',
    '2 min',
    '60 min',
    '1 h 30 min',
    '2 h 1 min',
  ]);
  t.strictSame([0, 1.25, 12.5, 1_234_567].map(count), ['0', '1.3', '13', '1,234,567']);
});

t.test('a pipeline of many stages: done, idle and waiting ones are folded', async (t) => {
  const stage = (i: number): StageStats => {
    if (i >= 17) return createStats(`s${i}`, 'transform');
    const own = running(`s${i}`, 'transform', i);
    own.busy.milliseconds = i;
    return i < 4 ? Object.assign(own, { state: 'done', endedAt: startedAt }) : own;
  };
  const stats = new Map(Array.from({ length: 20 }, (_, i) => [`s${i}`, stage(i)]));
  const out = screen(t, true, 100);
  const shown = (screenRows?: number) => {
    const progress = showProgress('n', stats, { ...out, ...(screenRows && { rows: screenRows }) });
    mock.timers.tick(250);
    const drawn = out.written.at(-1)!;
    progress.stop();
    return drawn.split('\n').map((line) => (line.startsWith('other') ? line : line.split(' ')[0]));
  };
  const first = ['s6', 's7', 's8', 's9', 's10', 's11', 's12', 's13', 's14', 's15', 's16'];
  t.strictSame(shown(), [...first, 'other stages: 4 done, 2 running, 3 waiting', '']);
  t.strictSame(shown(4), ['s15', 's16', 'other stages: 4 done, 11 running, 3 waiting', '']);
});

t.test('a line of a log names the stages with the most work', async (t) => {
  const stages = Array.from({ length: 9 }, (_, i) => running(`s${i}`, 'transform', i));
  for (const [i, stage] of stages.entries()) stage.busy.milliseconds = i;
  const out = screen(t, false);
  const progress = showProgress('n', new Map(stages.map((stage) => [stage.label, stage])), out);
  mock.timers.tick(5000);
  progress.stop();
  t.match(out.written, [/^n: s3 3 documents .*\| s8 8 documents [^|]*\| 3 more\n$/]);
});
