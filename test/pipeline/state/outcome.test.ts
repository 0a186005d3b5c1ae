import t from 'tap';
import { outcomeOf } from '../../../pipeline/state/outcome.js';
import { recordOf } from '../../fixtures/records.js';

t.test('only a record that says running is asked whether its process lives', async (t) => {
  for (const status of ['complete', 'failed', 'stopped'] as const)
    t.equal(
      outcomeOf(recordOf({ status }), () => t.fail('asked')),
      status,
    );
  const running = recordOf({ status: 'running' });
  t.equal(
    outcomeOf(running, (record) => record === running),
    'running',
  );
  t.equal(
    outcomeOf(running, () => false),
    'killed',
  );
});
