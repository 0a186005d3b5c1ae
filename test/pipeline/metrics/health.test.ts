import t from 'tap';
import { Health } from '../../../pipeline/metrics/health.js';
import { addTo, createStats } from '../../../pipeline/stats.js';
import { recordOf } from '../../fixtures/records.js';

const minute = 60_000;
const running = recordOf({ status: 'running', exitCode: null, endedAt: null });

t.test('a standstill of 15 minutes', async (t) => {
  const stage = createStats('extract', 'transform');
  const stats = new Map([['extract', stage]]);
  const health = new Health(0);
  health.look(stats, 0);
  t.match(health.answer(running, 14 * minute), { code: 200, body: { status: 'running' } });
  health.look(stats, 15 * minute);
  t.strictSame(health.answer(running, 15 * minute), {
    code: 503,
    body: { status: 'stuck', name: 'nightly', run: running.id, seconds_since_movement: 900 },
  });
  const moves: readonly (() => void)[] = [
    () => stage.rowsIn++,
    () => stage.rowsOut++,
    () => stage.worked++,
    () => addTo(stage.figures, 'tokens', 1),
    () => Object.assign(stage, { doing: 'fetching: 1 MB' }),
    () => Object.assign(stage, { doing: 'fetching: 2 MB' }),
    () => Object.assign(stage, { state: 'running' }),
  ];
  for (const [i, move] of moves.entries()) {
    const now = (i + 2) * 15 * minute;
    move();
    health.look(stats, now);
    t.equal(health.answer(running, now).code, 200, String(move));
    health.look(stats, now + 15 * minute - 1);
    t.equal(health.answer(running, now + 15 * minute).code, 503, 'and again nothing');
  }
});

t.test('a run that has ended', async (t) => {
  const health = new Health(0);
  const code = (status: 'complete' | 'failed' | 'stopped') =>
    health.answer(recordOf({ status }), 60 * minute).code;
  t.strictSame([code('complete'), code('failed'), code('stopped')], [200, 503, 503]);
});
