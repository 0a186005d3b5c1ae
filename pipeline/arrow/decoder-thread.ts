import { Worker } from 'node:worker_threads';
import { messageOf, NagError } from '../errors.js';
import type { DecoderSetup, FromDecoder, Order, ToDecoder } from './decoder-protocol.js';
import { unpackFailure } from './decoder-protocol.js';
import { compiledParquet } from './wasm.js';

/** Of about a megabyte each. */
const batchesAhead = 8;

/** A thread that decodes row groups, one at a time, some batches ahead of who takes them. It must be closed. */
export class DecoderThread {
  readonly #worker: Worker;
  #decoding: Decoding | undefined;
  #failure: NagError | undefined;

  constructor() {
    const workerData: DecoderSetup = { library: compiledParquet(), ahead: batchesAhead };
    this.#worker = new Worker(new URL('./decoder-worker.js', import.meta.url), { workerData, execArgv: [] });
    this.#worker.on('message', (message: FromDecoder) => this.#receive(message));
    this.#worker.on('error', (cause) =>
      this.#fail(new NagError(`a thread that decodes Parquet files failed: ${messageOf(cause)}`, { cause })),
    );
    this.#worker.on('exit', () => this.#fail(new NagError('a thread that decodes Parquet files has ended')));
    this.#worker.unref();
  }

  /** Whether it can be given a row group. */
  get free(): boolean {
    return this.#decoding === undefined && this.#failure === undefined;
  }

  /** Starts to decode; the thread must be free. */
  decode(order: Order): Decoding {
    this.#worker.postMessage({ kind: 'decode', order } satisfies ToDecoder);
    this.#decoding = new Decoding(this.#worker);
    return this.#decoding;
  }

  async close(): Promise<void> {
    this.#fail(new NagError('the file was closed while it was being read'));
    await this.#worker.terminate();
  }

  #receive(message: FromDecoder): void {
    // What comes while it is closed must not let go of the process, which waits for the thread's end.
    if (this.#failure) return;
    const decoding = this.#decoding;
    if (message.kind === 'batch') {
      decoding?.put(message.encoded);
      return;
    }
    this.#decoding = undefined;
    this.#worker.unref();
    decoding?.end(message.kind === 'failed' ? unpackFailure(message.failure) : undefined);
  }

  #fail(failure: NagError): void {
    this.#failure ??= failure;
    this.#decoding?.end(this.#failure);
    this.#decoding = undefined;
  }
}

/** The batches of a row group, each an Arrow IPC stream, as they come from the thread. */
export class Decoding {
  readonly #worker: Worker;
  readonly #batches: Uint8Array<ArrayBuffer>[] = [];
  #ended = false;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** The next batch, undefined after the last. Errors: what decoding threw, after the batches before it. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#batches.length === 0 && !this.#ended) await this.#news();
    const batch = this.#batches.shift();
    if (batch && !this.#ended) this.#send({ kind: 'more' });
    if (!batch && this.#failure) throw this.#failure;
    return batch;
  }

  /** No more of it is wanted. */
  stop(): void {
    if (!this.#ended) this.#send({ kind: 'stop' });
  }

  put(batch: Uint8Array<ArrayBuffer>): void {
    this.#batches.push(batch);
    this.#wake();
  }

  end(failure: Error | undefined): void {
    this.#ended = true;
    this.#failure = failure;
    this.#wake();
  }

  async #news(): Promise<void> {
    // The thread keeps the process only while somebody waits for it.
    this.#worker.ref();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    // After the end that is no longer for this one to say: the thread may be closing, which is waited for too.
    if (!this.#ended) this.#worker.unref();
  }

  #send(message: ToDecoder): void {
    this.#worker.postMessage(message);
  }
}
