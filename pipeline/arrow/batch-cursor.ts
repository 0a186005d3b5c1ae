import type { RecordBatch } from 'apache-arrow';

/** Batches with one of look-ahead, pulled one at a time. It must be closed, which ends the source early. */
export class BatchCursor {
  readonly #source: AsyncIterator<RecordBatch>;
  #ahead: IteratorResult<RecordBatch> | undefined;
  #closed = false;

  constructor(batches: AsyncIterable<RecordBatch>) {
    this.#source = batches[Symbol.asyncIterator]();
  }

  /** The next batch that has rows, without taking it; undefined at the end. Errors: those of the source. */
  async peek(): Promise<RecordBatch | undefined> {
    while (!this.#ahead || (!this.#ahead.done && this.#ahead.value.numRows === 0)) {
      this.#ahead = await this.#source.next();
    }
    return this.#ahead.done ? undefined : this.#ahead.value;
  }

  /** Takes the batch that `peek` showed. */
  take(): void {
    if (!this.#ahead?.done) this.#ahead = undefined;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#ahead?.done) await this.#source.return?.();
  }
}
