import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { errorsAtPoints } from './errnos.js';
import { killsAtPoints } from './kills.js';
import { mutations } from './mutations.js';

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
