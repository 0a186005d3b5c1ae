import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { damage } from './damage.js';

t.test('files with a flipped bit, or cut off', async (t) => {
  checkRows(t, await damage(small(t, 2)));
});
