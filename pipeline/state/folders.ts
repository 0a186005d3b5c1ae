import { join } from 'node:path';

/** Where a run with this state folder spills. */
export function spillFolder(dir: string): string {
  return join(dir, 'tmp');
}

/** Where stages of a run with this state folder keep what they can make again. */
export function cacheFolder(dir: string): string {
  return join(dir, 'cache');
}

/** Where a run with this state folder keeps what costly stages have computed. */
export function workFolder(dir: string): string {
  return join(dir, 'work');
}
