import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { errorsAtPoints } from './errnos.js';
import { killsAtPoints } from './kills.js';
import { mutations } from './mutations.js';
import { makeScenario, pointsOf } from './scenario.js';
import { syncFaults } from './sync-order.js';

t.test('a killed run leaves the old outputs or the new ones, and the next makes the new ones', async (t) => {
  checkRows(t, [await killsAtPoints('files', small(t, 2))]);
});

t.test('operations that fail are reported, and nothing is half done', async (t) => {
  const rows = await errorsAtPoints('files', small(t, 4));
  const tried = rows.filter((row) => row.tried > 0);
  t.ok(tried.length > 0);
  checkRows(t, tried);
});

t.test('mutated inputs', async (t) => {
  checkRows(t, await mutations(small(t, 40)));
});

t.test('what gets its name by a rename was synced before, and its folder is afterwards', async (t) => {
  const root = realpathSync(t.testdir());
  for (const variant of ['files', 'folders'] as const) {
    const points = await pointsOf(await makeScenario(join(root, variant), variant));
    t.strictSame(syncFaults(points), [], variant);
    const without = (path: RegExp) =>
      syncFaults(points.filter((point) => !(point.startsWith('sync ') && path.test(point))));
    t.ok(without(/ out\/\.s/).length > 0, 'outputs that are not synced are found');
    t.ok(without(/ out\/\.nag-\w+#/).length > 0, 'so are folders');
  }
});
