import { yamlBombs } from './bombs.js';
import { clockJumps } from './clock.js';
import { damage } from './damage.js';
import { fullDisk, readOnlyFolders } from './disk.js';
import { errorsAtPoints } from './errnos.js';
import { killsAtPoints, killsAtRandom } from './kills.js';
import { mutations } from './mutations.js';
import { outputTricks } from './outputs.js';
import { pathTricks } from './paths.js';
import type { Row } from './row.js';
import type { PartSettings } from './settings.js';
import { nights, soak } from './soak.js';
import { runsTogether } from './together.js';

export type Part = (settings: PartSettings) => Promise<Row[]>;

/** All parts of the suite, in the order in which they run. */
export const parts: ReadonlyMap<string, Part> = new Map<string, Part>([
  ['kills-files', async (settings) => [await killsAtPoints('files', settings)]],
  ['kills-folders', async (settings) => [await killsAtPoints('folders', settings)]],
  [
    'kills-random',
    async (settings) => [await killsAtRandom('files', settings), await killsAtRandom('folders', settings)],
  ],
  ['errors-files', (settings) => errorsAtPoints('files', settings)],
  ['errors-folders', (settings) => errorsAtPoints('folders', settings)],
  ['disk', async (settings) => [await fullDisk(settings), await readOnlyFolders(settings)]],
  ['clock', async (settings) => [await clockJumps(settings)]],
  ['together', async (settings) => [await runsTogether(settings)]],
  ['damage', damage],
  ['mutations', mutations],
  ['bombs', async (settings) => [await yamlBombs(settings)]],
  ['paths', pathTricks],
  ['outputs', outputTricks],
  ['nights', nights],
  ['soak', soak],
]);
