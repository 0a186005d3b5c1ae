import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of batches after which the collector is called. */
const interval = 32e6;

/**
 * Calls the garbage collector after so many bytes of batches. Their buffers lie outside V8's heap: with a small heap
 * V8 waits long before it looks for buffers that nobody uses, the longer the busier the processor is with the model.
 * A collection of this program's heap takes some tens of milliseconds.
 */
export function collector(): (bytes: number) => void {
  setFlagsFromString('--expose-gc');
  // Contexts made from here on have the function; the running one has not.
  const collect = runInNewContext('gc') as () => void;
  let sum = 0;
  return (bytes) => {
    sum += bytes;
    if (sum < interval) return;
    sum = 0;
    collect();
  };
}
