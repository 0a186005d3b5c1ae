import { killsAtPoints, killsAtRandom } from './kills.js';
import type { Row } from './row.js';
import type { PartSettings } from './settings.js';

export type Part = (settings: PartSettings) => Promise<Row[]>;

/** All parts of the suite, in the order in which they run. */
export const parts: ReadonlyMap<string, Part> = new Map<string, Part>([
  [
    'kills',
    async (settings) => [
      await killsAtPoints('files', settings),
      await killsAtPoints('folders', settings),
      await killsAtRandom('files', settings),
      await killsAtRandom('folders', settings),
    ],
  ],
]);
