import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { killsAtPoints } from './kills.js';

t.test('outputs that are folders, and a store of features', async (t) => {
  checkRows(t, [await killsAtPoints('folders', small(t, 5))]);
});
