import { ExternalSort } from '../../pipeline/external-sort.js';
import { BudgetHeap, type Selection } from '../nag/budget-heap.js';
import { createCut, takeNext } from '../nag/cut.js';
import { compareBytes } from '../nag/docid.js';
import { decodeKey, encodeKey } from '../nag/keys.js';
import { DocidList } from './docid-list.js';

export interface RankingOptions {
  /** The largest that the token budget can turn out to be; undefined where nothing is known before the end. */
  readonly bound: number | undefined;
  /** From here on the heap's keys go to disk. */
  readonly memoryBytes: number;
  readonly tempDir: string;
}

/**
 * Documents ranked by (distance, docid, order) under a token budget: in a heap while that is bounded and fits the
 * memory, otherwise as sorted keys on disk. Both give the same selection.
 */
export class Ranking {
  readonly #options: RankingOptions;
  #heap: BudgetHeap | undefined;
  #sort: ExternalSort | undefined;
  /** Documents farther than this cannot be selected any more. */
  #threshold = Infinity;
  /** The smallest distance that a heap had let go before its keys went to disk. */
  #out = Infinity;

  constructor(options: RankingOptions) {
    this.#options = options;
    if (options.bound === undefined) this.#sort = this.#newSort();
    else this.#heap = new BudgetHeap(options.bound);
  }

  /** True once keys have been written to disk. */
  get spilled(): boolean {
    return this.#sort !== undefined && this.#sort.spilledBytes > 0;
  }

  /** False where a document at this distance cannot be selected, whatever its docid. */
  mayTake(distance: number): boolean {
    return distance <= (this.#heap?.threshold ?? this.#threshold);
  }

  /** Offers a document; false where it is out already. A promise is returned while keys go to disk: await it. */
  add(distance: number, docid: Uint8Array | null, tokens: number, order: number): boolean | Promise<boolean> {
    if (!this.#heap) {
      const writing = this.#sort!.add(encodeKey(distance, docid, tokens, order));
      return writing ? writing.then(() => true) : true;
    }
    const kept = this.#heap.add(distance, docid, tokens, order);
    if (this.#heap.bytes <= this.#options.memoryBytes) return kept;
    return this.#spill(this.#heap).then(() => kept);
  }

  /** Takes over everything that another ranking with the same options holds. */
  async merge(other: Ranking): Promise<void> {
    if (this.#heap && other.#heap) {
      this.#heap.merge(other.#heap);
      if (this.#heap.bytes > this.#options.memoryBytes) await this.#spill(this.#heap);
      return;
    }
    if (this.#heap) await this.#spill(this.#heap);
    this.#out = Math.min(this.#out, other.#heap?.out ?? other.#out);
    for await (const key of other.#keys()) {
      const writing = this.#sort!.add(key);
      if (writing) await writing;
    }
  }

  /**
   * The documents within the budget, best first. The ranking cannot be used afterwards.
   * @param options docids: whether those of the selection are wanted, which costs memory
   */
  async select(budget: number, options: { readonly docids: boolean }): Promise<Selection> {
    if (this.#heap) return this.#heap.result(budget);
    const cut = createCut(budget);
    const [order, distance, tokens] = [new Numbers(), new Numbers(), new Numbers()];
    const docids = new DocidList();
    let next = this.#out;
    for await (const bytes of this.#sort!.sorted()) {
      const key = decodeKey(bytes);
      if (!takeNext(cut, key.tokens)) {
        next = Math.min(next, key.distance);
        break;
      }
      order.push(key.order);
      distance.push(key.distance);
      tokens.push(key.tokens);
      if (options.docids) docids.push(key.docid);
    }
    return {
      order: order.all(),
      distance: distance.all(),
      tokens: tokens.all(),
      docid: (place) => docids.at(place),
      totalTokens: cut.tokens,
      single: cut.single,
      next,
    };
  }

  async close(): Promise<void> {
    await this.#sort?.close();
  }

  async *#keys(): AsyncGenerator<Uint8Array> {
    if (this.#sort) yield* this.#sort.sorted();
    for (const { distance, docid, tokens, order } of this.#heap?.entries() ?? [])
      yield encodeKey(distance, docid, tokens, order);
  }

  async #spill(heap: BudgetHeap): Promise<void> {
    this.#threshold = heap.threshold;
    this.#out = Math.min(this.#out, heap.out);
    this.#sort = this.#newSort();
    for (const { distance, docid, tokens, order } of heap.entries()) {
      const writing = this.#sort.add(encodeKey(distance, docid, tokens, order));
      if (writing) await writing;
    }
    this.#heap = undefined;
  }

  #newSort(): ExternalSort {
    const { tempDir, memoryBytes } = this.#options;
    return new ExternalSort({ dir: tempDir, memoryBytes, compare: compareBytes });
  }
}

/** A growing list of float64. */
class Numbers {
  #values = new Float64Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  all(): Float64Array {
    return this.#values.slice(0, this.#length);
  }
}
