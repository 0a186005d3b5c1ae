import t from 'tap';
import { yamlBombs } from './bombs.js';
import { checkRows, small } from './check-rows.js';
import { pathTricks } from './paths.js';

t.test('configurations that ask for more than there is', async (t) => {
  checkRows(t, [await yamlBombs(small(t, 0))]);
});

t.test('paths that lead where none should', async (t) => {
  checkRows(t, await pathTricks(small(t, 3)));
});
