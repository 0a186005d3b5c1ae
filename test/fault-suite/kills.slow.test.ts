import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { killsAtPoints, killsAtRandom } from './kills.js';

t.test('a killed run leaves the old outputs or the new ones, and the next makes the new ones', async (t) => {
  checkRows(t, [await killsAtPoints('files', small(t, 6))]);
});

t.test('at any time', async (t) => {
  checkRows(t, [await killsAtRandom('files', small(t, 2))]);
});
