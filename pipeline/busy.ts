/**
 * Measures how long a stage is busy: asked for rows and not waiting for its input, or at work ahead of what is asked for.
 * Times are milliseconds of the clock that never jumps.
 */
export interface Busy {
  /** Whoever asks for rows. */
  asked: number;
  waiting: number;
  working: number;
  /** Up to `since`. */
  milliseconds: number;
  since: number;
}

export function createBusy(): Busy {
  return { asked: 0, waiting: 0, working: 0, milliseconds: 0, since: 0 };
}

/** Until `now`, that of a stage that is at work included. */
export function busySeconds(busy: Busy, now: number): number {
  return (busy.milliseconds + (isBusy(busy) ? now - busy.since : 0)) / 1000;
}

/** Begins something that a stage does or waits for; what it returns ends it. */
export function begin(busy: Busy, what: 'asked' | 'waiting' | 'working'): () => void {
  change(busy, what, 1);
  return () => change(busy, what, -1);
}

/** Values of which each is asked for, or waited for. */
export async function* timed<T>(
  values: AsyncIterable<T>,
  busy: Busy,
  what: 'asked' | 'waiting',
): AsyncGenerator<T> {
  let end: (() => void) | undefined = begin(busy, what);
  try {
    for await (const value of values) {
      end();
      end = undefined;
      yield value;
      end = begin(busy, what);
    }
  } finally {
    end?.();
  }
}

function change(busy: Busy, what: 'asked' | 'waiting' | 'working', by: number): void {
  const now = performance.now();
  if (isBusy(busy)) busy.milliseconds += now - busy.since;
  busy.since = now;
  busy[what] += by;
}

function isBusy({ asked, waiting, working }: Busy): boolean {
  return working > 0 || asked > waiting;
}
