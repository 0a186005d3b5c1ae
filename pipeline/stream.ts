import highland from 'highland';

/** A stream of the engine: highland composes and shares, async generators do the work. */
export type Stream<T> = Highland.Stream<T>;

/**
 * The streams of a segment. Each asks its source for one value at a time, and only when somebody pulls. A stream that
 * ends, fails, or is left early closes its source and what feeds it; `close` does so with all of them and waits for it.
 */
export class Streams {
  readonly #signal: AbortSignal;
  readonly #all: Destroyable[] = [];
  readonly #closing: Promise<unknown>[] = [];
  /** Readers that wait for a value: they are told when the run is stopped, as highland would let them wait forever. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  readonly #onAbort = () => this.#wake();
  #closed = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** A stream of a source's values. */
  from<T>(source: AsyncIterable<T>): Stream<T> {
    return this.#make(source, []);
  }

  /** The stream through a stage. */
  through<A, B>(stream: Stream<A>, stage: (input: AsyncIterable<A>) => AsyncIterable<B>): Stream<B> {
    return this.#make(stage(this.read(stream)), [stream]);
  }

  /** One stream after the other. */
  concat<T>(streams: readonly Stream<T>[]): Stream<T> {
    const [only] = streams;
    return streams.length === 1 && only ? only : this.#make(this.#oneByOne(streams), streams);
  }

  /** The stream for each of several readers; the slowest of them sets the pace, so that nothing piles up. */
  share<T>(stream: Stream<T>, readers: number): Stream<T>[] {
    if (readers === 1) return [stream];
    const forks = Array.from({ length: readers }, () => stream.fork());
    let left = readers;
    // A fork that is left early does not hold the others up, and the last one to go closes the source.
    for (const fork of forks) {
      onDestroy(fork, () => {
        if (--left === 0) stream.destroy();
      });
    }
    return forks;
  }

  /** A stream's values. Throws its first error, or the reason why the run was stopped; leaving early destroys it. */
  async *read<T>(stream: Stream<T>): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const value = await this.#pull(stream);
        // A stopped run may look like the end of the input: nothing must be taken for whole then.
        this.#signal.throwIfAborted();
        if (highland.isNil(value)) return;
        yield value;
      }
    } finally {
      stream.destroy();
    }
  }

  /** Destroys all streams and waits until their sources are closed. Errors: the first that a source has in closing. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#closed = true;
    this.#wake();
    for (const stream of this.#all) stream.destroy();
    // Closing one may destroy what feeds it, which is then closing too.
    for (let at = 0; at < this.#closing.length; at++) await this.#closing[at]?.catch(() => undefined);
    await Promise.all(this.#closing);
  }

  #make<T>(source: AsyncIterable<T>, inputs: readonly Destroyable[]): Stream<T> {
    const iterator = source[Symbol.asyncIterator]();
    let open = true;
    const ended = () => {
      open = false;
      for (const input of inputs) input.destroy();
    };
    // highland's own constructor does not know async generators, and reads ahead of its consumer.
    const stream = highland<T>((push, next) => {
      iterator.next().then(
        (result) => {
          if (!open) return;
          if (result.done) {
            ended();
            push(null, highland.nil);
          } else {
            push(null, result.value);
            next();
          }
        },
        (thrown: unknown) => {
          if (!open) return;
          ended();
          push(asError(thrown));
          push(null, highland.nil);
        },
      );
    });
    onDestroy(stream, () => {
      if (!open) return;
      open = false;
      const closing = Promise.resolve(iterator.return?.()).finally(ended);
      closing.catch(() => undefined);
      this.#closing.push(closing);
    });
    this.#all.push(stream);
    return stream;
  }

  async *#oneByOne<T>(streams: readonly Stream<T>[]): AsyncGenerator<T> {
    for (const stream of streams) yield* this.read(stream);
  }

  #pull<T>(stream: Stream<T>): Promise<T | Highland.Nil> {
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted || this.#closed) throw this.#reason();
      this.#waiting.add(reject);
      stream.pull((error, value) => {
        this.#waiting.delete(reject);
        if (error) reject(error);
        else resolve(value);
      });
    });
  }

  #wake(): void {
    for (const reject of this.#waiting) reject(this.#reason());
    this.#waiting.clear();
  }

  #reason(): unknown {
    return this.#signal.aborted ? this.#signal.reason : new Error('the stream was closed');
  }
}

/** What all streams have in common, whatever their values. */
interface Destroyable {
  destroy: () => void;
}

/** Does something when a stream is destroyed, the first time. */
function onDestroy(stream: Destroyable, work: () => void): void {
  const destroy = stream.destroy.bind(stream);
  let destroyed = false;
  stream.destroy = () => {
    if (destroyed) return;
    destroyed = true;
    work();
    destroy();
  };
}

/** highland takes errors for values where they are not truthy. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
