import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of buffers after which the collector is called. */
const interval = 4e6;
/** It is called less often where it would take more than this share of the time. */
const shareOfTime = 0.1;

// The young generation stays small: this program's objects are few and large, and what passes through it while a long
// run grows it is memory that nobody needs.
setFlagsFromString('--semi-space-growth-factor=1');

let collect: (() => void) | undefined;
let sum = 0;
let notBefore = 0;

/**
 * Calls the garbage collector whenever so many bytes of buffers have been used up. They lie outside V8's heap: with a
 * small heap V8 waits long before it looks for buffers that nobody uses, the longer the busier the processor is with
 * the model. A collection of this program's heap takes some tens of milliseconds.
 */
export function collectAfter(bytes: number): void {
  sum += bytes;
  if (sum < interval) return;
  const start = performance.now();
  if (start < notBefore) return;
  sum = 0;
  collect ??= exposed();
  collect();
  const end = performance.now();
  notBefore = end + (end - start) * (1 / shareOfTime - 1);
}

/** Contexts made after the flag is set have the function; the running one has not. */
function exposed(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
