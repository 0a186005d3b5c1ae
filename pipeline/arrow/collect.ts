import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of batches after which the collector is called. */
const interval = 32e6;

let collect: (() => void) | undefined;
let sum = 0;

/**
 * Calls the garbage collector whenever so many bytes of batches have passed. Their buffers lie outside V8's heap: with
 * a small heap V8 waits long before it looks for buffers that nobody uses, the longer the busier the processor is with
 * the model. A collection of this program's heap takes some tens of milliseconds.
 */
export function collectAfter(bytes: number): void {
  sum += bytes;
  if (sum < interval) return;
  sum = 0;
  collect ??= exposed();
  collect();
}

/** Contexts made after the flag is set have the function; the running one has not. */
function exposed(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
