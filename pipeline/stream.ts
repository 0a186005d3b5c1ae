import highland from 'highland';

/** A stream of the engine: highland composes and shares, async generators do the work. */
export type Stream<T> = Highland.Stream<T>;

/**
 * A stream that asks its source for one value at a time, and only when somebody pulls. Ending, failing or destroying
 * it closes the source. (highland's own constructor does not know async generators, and reads ahead of its consumer.)
 */
export function fromAsync<T>(source: AsyncIterable<T>): Stream<T> {
  const iterator = source[Symbol.asyncIterator]();
  let open = true;
  const stream = highland<T>((push, next) => {
    iterator.next().then(
      (result) => {
        if (result.done) {
          open = false;
          push(null, highland.nil);
        } else {
          push(null, result.value);
          next();
        }
      },
      (error: Error) => {
        open = false;
        push(error);
        push(null, highland.nil);
      },
    );
  });
  const destroy = stream.destroy.bind(stream);
  stream.destroy = () => {
    if (open) {
      open = false;
      iterator.return?.(undefined).catch(() => undefined);
    }
    destroy();
  };
  return stream;
}

/** Pulls a stream one value at a time. Throws the stream's first error; leaving early destroys the stream. */
export async function* toAsync<T>(stream: Stream<T>): AsyncGenerator<T, void, undefined> {
  let ended = false;
  try {
    for (;;) {
      const value = await new Promise<T | Highland.Nil>((resolve, reject) => {
        stream.pull((error, next) => (error ? reject(error) : resolve(next)));
      });
      if (isNil(value)) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) stream.destroy();
  }
}

/** The stream through a stage. */
export function through<A, B>(
  stream: Stream<A>,
  stage: (input: AsyncIterable<A>) => AsyncIterable<B>,
): Stream<B> {
  return fromAsync(stage(toAsync(stream)));
}

/** The stream for each of several readers; the slowest of them sets the pace, so that nothing piles up. */
export function share<T>(stream: Stream<T>, readers: number): Stream<T>[] {
  return readers === 1 ? [stream] : Array.from({ length: readers }, () => stream.fork());
}

/** One stream after the other. */
export function concat<T>(streams: readonly Stream<T>[]): Stream<T> {
  const [only] = streams;
  if (streams.length === 1 && only) return only;
  return fromAsync(oneByOne(streams));
}

async function* oneByOne<T>(streams: readonly Stream<T>[]): AsyncGenerator<T> {
  const waiting = [...streams];
  try {
    for (let stream = waiting.shift(); stream; stream = waiting.shift()) yield* toAsync(stream);
  } finally {
    for (const stream of waiting) stream.destroy();
  }
}

function isNil(value: unknown): value is Highland.Nil {
  return highland.isNil(value);
}
