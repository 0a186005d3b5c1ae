import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of buffers after which those that nobody uses are looked for among the young ones: about a millisecond's work. */
const minorInterval = 4e6;
/** … and among all: some tens of milliseconds. Few buffers live long enough to be old and are then let go. */
const majorInterval = 64e6;
/** The latter is put off where it would take more than this share of the time. */
const shareOfTime = 0.1;

// The young generation stays small: this program's objects are few and large, and what passes through it while a long
// run grows it is memory that nobody needs.
setFlagsFromString('--semi-space-growth-factor=1');

let collect: ((options?: { type: 'minor' }) => void) | undefined;
let sinceMinor = 0;
let sinceMajor = 0;
let notBefore = 0;

/**
 * Calls the garbage collector whenever so many bytes of buffers have been used up. They lie outside V8's heap: with a
 * small heap V8 waits long before it looks for buffers that nobody uses, the longer the busier the processor is with
 * the model.
 */
export function collectAfter(bytes: number): void {
  sinceMinor += bytes;
  sinceMajor += bytes;
  if (sinceMinor < minorInterval) return;
  sinceMinor = 0;
  collect ??= exposed();
  const start = performance.now();
  if (sinceMajor < majorInterval || start < notBefore) {
    collect({ type: 'minor' });
    return;
  }
  sinceMajor = 0;
  collect();
  const end = performance.now();
  notBefore = end + (end - start) * (1 / shareOfTime - 1);
}

/** Contexts made after the flag is set have the function; the running one has not. */
function exposed(): NonNullable<typeof collect> {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as NonNullable<typeof collect>;
}
