import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { outputTricks } from './outputs.js';

t.test('outputs that are inputs or others, and faults that must be found first', async (t) => {
  checkRows(t, await outputTricks(small(t, 3)));
});
