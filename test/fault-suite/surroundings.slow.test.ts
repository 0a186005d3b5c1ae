import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { clockJumps } from './clock.js';
import { fullDisk, readOnlyFolders } from './disk.js';
import { runsTogether } from './together.js';

t.test('a disk that is full, folders that may not be written', async (t) => {
  checkRows(t, [await fullDisk(small(t, 2)), await readOnlyFolders(small(t, 2))]);
});

t.test('a clock that jumps', async (t) => {
  checkRows(t, [await clockJumps(small(t, 3))]);
});

t.test('runs that start at once', async (t) => {
  checkRows(t, [await runsTogether(small(t, 2))]);
});
