import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { errorsAtPoints } from './errnos.js';

t.test('operations that fail are told, and nothing is half done', async (t) => {
  checkRows(t, await errorsAtPoints('files', small(t, 12)));
});
