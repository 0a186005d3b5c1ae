import { rowRange } from '../../pipeline/arrow/row-range.js';
import { type Batch, keepRows, placeOf } from '../../pipeline/batch.js';
import { NagError, type Place, placeText } from '../../pipeline/errors.js';
import { NotFinite } from '../backbone/damage.js';
import type { NeuronType, Session, SessionResult } from '../backbone/types.js';
import { type Budget, type Part, runFitting } from './fitting.js';
import { byLength } from './grouping.js';
import type { Pace } from './pace.js';
import { keyOf, type SeenDocuments } from './seen.js';

/** Token ids of a batch's documents: of one a row, or of several. */
export interface Documents {
  readonly batch: Batch;
  readonly ids: readonly Int32Array[];
  /** Where one of `ids` comes from, where they are not one a row. */
  readonly placeOfIds?: (document: number) => Place;
}

interface BatchingOptions {
  readonly session: Session;
  /** Most tokens in one call, padding included; one document may be longer. */
  readonly batchTokens: number;
  /** Documents sorted together: fewer where their columns are large, as a window is held in memory. */
  readonly pace: Pace;
  /** Remembers documents from window to window, where it is given. Equal ones in a window are computed once anyway. */
  readonly seen?: SeenDocuments;
  /** Told after each call of the model, and of documents that needed none: these have no tokens. */
  onDone(documents: number, tokens: number): void;
  /** Told of each batch that was halved, as the device's memory did not hold it. */
  /** Told when the work on a window begins; what it returns is called when it ends. */
  onWork?(): () => void;
  onHalved(device: string): void;
  readonly signal: AbortSignal;
}

/** Results of a batch's documents, in their order. */
export interface BatchResult<D> {
  readonly documents: D;
  readonly result: SessionResult;
}

/**
 * Runs the model over documents: those of a window are sorted by length, so that little padding is computed, and come
 * out in their own order again. While the model works on a window, the next one is read and tokenized, and what came
 * of the last one is used.
 */
export async function* runDocuments<D extends Documents>(
  input: AsyncIterable<D>,
  options: BatchingOptions,
): AsyncGenerator<BatchResult<D>> {
  const leaving = new AbortController();
  const signal = AbortSignal.any([options.signal, leaving.signal]);
  const windows = oneAhead(windowsOf(input, options.pace));
  for await (const results of oneAhead(runWindows(windows, { ...options, signal }))) {
    let used = false;
    try {
      yield* results;
      used = true;
    } finally {
      // Whoever leaves early shall not wait for the window under way.
      if (!used) leaving.abort(new NagError('nobody waits for the model any more'));
    }
  }
}

/** The same values; each is made while the one before it is used. */
async function* oneAhead<T>(input: AsyncGenerator<T>): AsyncGenerator<T, undefined> {
  let next = input.next();
  // A failure in making a value is thrown where it is awaited.
  next.catch(() => undefined);
  try {
    for (let made = await next; !made.done; made = await next) {
      next = input.next();
      next.catch(() => undefined);
      yield made.value;
    }
  } finally {
    await next.catch(() => undefined);
    await input.return(undefined);
  }
  return undefined;
}

const windowBytes = 32e6;

/** The same rows in batches of at most `most()`, which is asked before each. */
export async function* inBatchesOf(most: () => number, input: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  for await (const batch of input) {
    const positions = rowRange(0, batch.rows.length);
    let first = 0;
    do {
      const next = first + most();
      yield keepRows(batch, positions.subarray(first, next));
      first = next;
    } while (first < positions.length);
  }
}

async function* windowsOf<D extends Documents>(
  input: AsyncIterable<D>,
  pace: Pace,
): AsyncGenerator<D[], undefined> {
  let window: D[] = [];
  let count = 0;
  let bytes = 0;
  for await (const next of input) {
    window.push(next);
    count += next.ids.length;
    bytes += next.batch.columns.data.byteLength;
    if (count < pace.documents && bytes < windowBytes) continue;
    yield window;
    window = [];
    count = 0;
    bytes = 0;
  }
  if (window.length > 0) yield window;
  return undefined;
}

async function* runWindows<D extends Documents>(
  windows: AsyncIterable<D[]>,
  options: BatchingOptions,
): AsyncGenerator<BatchResult<D>[]> {
  const budget = { tokens: options.batchTokens };
  for await (const window of windows) yield await runWindow(window, options, budget);
}

async function runWindow<D extends Documents>(
  window: readonly D[],
  options: BatchingOptions,
  budget: Budget,
): Promise<BatchResult<D>[]> {
  const startedAt = performance.now();
  const end = options.onWork?.();
  const documents = window.flatMap(({ ids }) => ids);
  const collected = new Results();
  const { fresh, repeats } = distinct(documents, collected, options.seen);
  const freshDocuments = fresh.map(({ position }) => documents[position]!);
  await runGroups(freshDocuments, options, budget, ({ group, result }) => {
    const positions = group.map((i) => fresh[i]!.position);
    options.onDone(
      group.length,
      group.reduce((sum, i) => sum + freshDocuments[i]!.length, 0),
    );
    collected.put(result, positions, documents.length);
  })
    .catch((error: unknown) => {
      throw error instanceof DamagedRun ? named(error, window, fresh) : error;
    })
    .finally(end);
  // In the documents' order, whichever batch was done first: the same ones are remembered in every run.
  for (const { position, key } of fresh) options.seen?.add(key, collected.topOf(position));
  for (const { position, of } of repeats) collected.copy(of, position);
  options.onDone(documents.length - fresh.length, 0);
  options.pace.took(documents.length, performance.now() - startedAt);
  let first = 0;
  return window.map((own) => {
    const result = collected.slice(first, own.ids.length);
    first += own.ids.length;
    return { documents: own, result };
  });
}

/** Runs all documents, as many batches at once as the session wants; a failure ends it once none is under way. */
async function runGroups(
  documents: readonly Int32Array[],
  { session, signal, onHalved }: BatchingOptions,
  budget: Budget,
  onPart: (part: Part) => void,
): Promise<void> {
  const run = async (group: readonly number[]) => {
    signal.throwIfAborted();
    const running = session.run(concatenate(group.map((i) => documents[i]!)));
    return await running.catch((error: unknown) => {
      throw error instanceof NotFinite ? new DamagedRun(group[error.document]!, error) : error;
    });
  };
  const lengthOf = (i: number) => documents[i]!.length;
  // Shared: leaving the loop for a failure ends it for the others too.
  const groups = byLength(documents, budget);
  const work = async () => {
    for (const group of groups)
      for await (const part of runFitting(group, { budget, run, lengthOf, onHalved })) onPart(part);
  };
  const ended = await Promise.allSettled(Array.from({ length: session.concurrency }, work));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

/** A run that gave numbers that are not finite, and for which of the documents that are fresh. */
class DamagedRun extends Error {
  readonly document: number;
  override readonly cause: NotFinite;

  constructor(document: number, cause: NotFinite) {
    super(cause.message, { cause });
    this.document = document;
    this.cause = cause;
  }
}

/** The same fault, with the place of the document. */
function named(
  { document, cause }: DamagedRun,
  window: readonly Documents[],
  fresh: readonly { readonly position: number }[],
): NagError {
  let { position } = fresh[document]!;
  for (const own of window) {
    if (position < own.ids.length) {
      const place = own.placeOfIds?.(position) ?? placeOf(own.batch, position);
      return new NagError(`${placeText(place)}: ${cause.reason}`, { cause });
    }
    position -= own.ids.length;
  }
  return cause;
}

/** Documents that the model has to see, and those equal to one of them. What is known is put into `collected`. */
function distinct(documents: readonly Int32Array[], collected: Results, seen: SeenDocuments | undefined) {
  const first = new Map<string, number>();
  const fresh: { position: number; key: string }[] = [];
  const repeats: { position: number; of: number }[] = [];
  for (const [position, ids] of documents.entries()) {
    const key = keyOf(ids);
    const of = first.get(key);
    const known = of === undefined ? seen?.get(key) : undefined;
    if (known) collected.put(known, [position], documents.length);
    else if (of !== undefined) repeats.push({ position, of });
    else {
      first.set(key, position);
      fresh.push({ position, key });
    }
  }
  return { fresh, repeats };
}

function concatenate(documents: readonly Int32Array[]) {
  const lengths = Int32Array.from(documents, (ids) => ids.length);
  const ids = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const own of documents) {
    ids.set(own, at);
    at += own.length;
  }
  return { ids, lengths };
}

/** Outputs of a window's documents, put back into the documents' order. */
class Results {
  readonly #top = new Map<NeuronType, { values: Int32Array; stride: number }>();
  readonly #impacts = new Map<NeuronType, { values: Float32Array; stride: number }>();
  readonly #logProbabilities: Float32Array[] = [];

  put(result: SessionResult, documents: readonly number[], total: number): void {
    for (const [type, values] of entries(result.top)) {
      const stride = values.length / documents.length;
      const all = this.#top.get(type) ?? { values: new Int32Array(total * stride), stride };
      this.#top.set(type, all);
      for (const [i, document] of documents.entries())
        all.values.set(values.subarray(i * stride, (i + 1) * stride), document * stride);
    }
    for (const [type, values] of entries(result.impacts)) {
      const stride = values.length / documents.length;
      const all = this.#impacts.get(type) ?? { values: new Float32Array(total * stride), stride };
      this.#impacts.set(type, all);
      for (const [i, document] of documents.entries())
        all.values.set(values.subarray(i * stride, (i + 1) * stride), document * stride);
    }
    for (const [i, values] of (result.logProbabilities ?? []).entries())
      this.#logProbabilities[documents[i]!] = values;
  }

  /** Gives a document the outputs of another one. */
  copy(from: number, to: number): void {
    for (const { values, stride } of [...this.#top.values(), ...this.#impacts.values()])
      values.copyWithin(to * stride, from * stride, (from + 1) * stride);
    const logProbabilities = this.#logProbabilities[from];
    if (logProbabilities) this.#logProbabilities[to] = logProbabilities;
  }

  /** Top indices of one document. */
  topOf(document: number): (readonly [NeuronType, Int32Array])[] {
    return [...this.#top].map(([type, { values, stride }]) => [
      type,
      values.subarray(document * stride, (document + 1) * stride),
    ]);
  }

  slice(first: number, count: number): SessionResult {
    const cut = <T extends Int32Array | Float32Array>({ values, stride }: { values: T; stride: number }) =>
      values.slice(first * stride, (first + count) * stride) as T;
    return {
      top: Object.fromEntries([...this.#top].map(([type, all]) => [type, cut(all)])),
      impacts: Object.fromEntries([...this.#impacts].map(([type, all]) => [type, cut(all)])),
      logProbabilities: this.#logProbabilities.slice(first, first + count),
    };
  }
}

function entries<T>(values: Partial<Record<NeuronType, T>>): [NeuronType, T][] {
  return Object.entries(values) as [NeuronType, T][];
}
