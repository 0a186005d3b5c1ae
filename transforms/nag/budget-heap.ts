import { createCut, takeNext } from './cut.js';
import { checkKey } from './keys.js';

/** A cut through the ranked documents, in rank order. */
export interface Selection {
  /** [documents] place in the input */
  readonly order: Float64Array;
  readonly distance: Float64Array;
  readonly tokens: Float64Array;
  /** A view of the docid at a place of the ranking. */
  docid(place: number): Uint8Array;
  readonly totalTokens: number;
  /** Nothing fitted the budget, and the best document was taken nevertheless. */
  readonly single: boolean;
  /** The smallest distance of documents that were compared and are not selected: equal to the last one's in a tie. */
  readonly next: number;
}

const NO_DOCID = new Uint8Array(0);
const SLOT_BYTES = 8 + 8 + 4 + 4 + 4 + 4;

/**
 * The exact selection under a token budget, in memory bounded by the selection: a max-heap that keeps the best
 * documents by (distance, docid bytes, order) up to and including the first that does not fit the budget.
 *
 * Memory: 32 bytes a kept document and its docid's bytes; as the arrays grow by half, up to 1.5 times that, and
 * while they grow the old one besides. `merge` and `add` in any order and split give the same selection.
 */
export class BudgetHeap {
  readonly budget: number;
  #size = 0;
  #tokensKept = 0;
  /** A permutation of all slots: the first `size` are the heap, largest key first; the others are free. */
  #heap = new Uint32Array(0);
  #distance = new Float64Array(0);
  #order = new Float64Array(0);
  #tokens = new Uint32Array(0);
  #idAt = new Uint32Array(0);
  #idLength = new Uint32Array(0);
  #ids = new Uint8Array(0);
  #idsEnd = 0;
  #idsLive = 0;
  /** The smallest distance of documents that were offered and are not kept. */
  #out = Infinity;

  /** @param budget tokens, at least 0; Infinity keeps everything */
  constructor(budget: number) {
    this.budget = createCut(budget).budget;
  }

  /** Documents kept, of which the last may be the one beyond the budget. */
  get size(): number {
    return this.#size;
  }

  /** Tokens of the documents kept. */
  get tokens(): number {
    return this.#tokensKept;
  }

  /** Memory held. */
  get bytes(): number {
    return this.#heap.length * SLOT_BYTES + this.#ids.length;
  }

  /** No document with a larger distance is accepted any more. */
  get threshold(): number {
    return this.#tokensKept > this.budget ? this.#distance[this.#heap[0]!]! : Infinity;
  }

  /**
   * Offers a document; true when it is kept for now.
   * @param docid bytes in docid order, copied; null counts as empty
   * @param tokens integer below 2^32
   * @param order place in the whole input, an integer below 2^53, different for each document
   * @throws RangeError for a distance that is NaN and for integers out of range
   */
  add(distance: number, docid: Uint8Array | null, tokens: number, order: number): boolean {
    checkKey(distance, tokens, order);
    const id = docid ?? NO_DOCID;
    if (this.#tokensKept > this.budget && this.#compareTop(distance, id, order) < 0) {
      if (distance < this.#out) this.#out = distance;
      return false;
    }
    if (this.#size === this.#heap.length) this.#grow();
    const slot = this.#heap[this.#size]!;
    this.#distance[slot] = distance;
    this.#tokens[slot] = tokens;
    this.#order[slot] = order;
    this.#storeId(slot, id);
    this.#tokensKept += tokens;
    this.#siftUp(this.#size++, slot);
    this.#evict();
    return true;
  }

  /** Offers all that another heap has kept. Documents that the other evicted cannot belong to the selection. */
  merge(other: BudgetHeap): void {
    if (other.budget !== this.budget)
      throw new RangeError(`cannot merge a heap of budget ${other.budget} into one of ${this.budget}`);
    for (const { distance, docid, tokens, order } of other.entries())
      this.add(distance, docid, tokens, order);
    this.#out = Math.min(this.#out, other.#out);
  }

  /** The smallest distance of documents that were offered and are not kept; Infinity where all are. */
  get out(): number {
    return this.#out;
  }

  /** Everything kept, in no order; the docids are views that are good until the next `add`. */
  *entries(): Generator<{ distance: number; docid: Uint8Array; tokens: number; order: number }> {
    for (const slot of this.#heap.subarray(0, this.#size)) {
      yield {
        distance: this.#distance[slot]!,
        docid: this.#docid(slot),
        tokens: this.#tokens[slot]!,
        order: this.#order[slot]!,
      };
    }
  }

  /**
   * The selection; the heap keeps what it has. Docids are good until the next `add`.
   * @param exactBudget at most the heap's budget, where that was only a bound
   */
  result(exactBudget = this.budget): Selection {
    if (exactBudget > this.budget)
      throw new RangeError(`budget ${exactBudget} is larger than the heap's, ${this.budget}`);
    const ranked = this.#heap.slice(0, this.#size).sort((a, b) => this.#compare(a, b));
    const cut = createCut(exactBudget);
    for (const slot of ranked) if (!takeNext(cut, this.#tokens[slot]!)) break;
    const selected = ranked.subarray(0, cut.documents);
    return {
      order: Float64Array.from(selected, (slot) => this.#order[slot]!),
      distance: Float64Array.from(selected, (slot) => this.#distance[slot]!),
      tokens: Float64Array.from(selected, (slot) => this.#tokens[slot]!),
      docid: (place) => this.#docid(selected[place]!),
      totalTokens: cut.tokens,
      single: cut.single,
      next: Math.min(
        this.#out,
        cut.documents < this.#size ? this.#distance[ranked[cut.documents]!]! : Infinity,
      ),
    };
  }

  /** Drops the largest while the others alone exceed the budget: then it is not the first that does not fit. */
  #evict(): void {
    for (;;) {
      const top = this.#heap[0]!;
      const others = this.#tokensKept - this.#tokens[top]!;
      if (others <= this.budget) return;
      if (this.#distance[top]! < this.#out) this.#out = this.#distance[top]!;
      this.#tokensKept = others;
      this.#idsLive -= this.#idLength[top]!;
      const last = this.#heap[--this.#size]!;
      this.#heap[this.#size] = top;
      this.#siftDown(last);
    }
  }

  #siftUp(from: number, slot: number): void {
    const heap = this.#heap;
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >>> 1;
      if (this.#compare(heap[parent]!, slot) >= 0) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = slot;
  }

  #siftDown(slot: number): void {
    const heap = this.#heap;
    const size = this.#size;
    let i = 0;
    for (let child = 1; child < size; child = 2 * i + 1) {
      if (child + 1 < size && this.#compare(heap[child + 1]!, heap[child]!) > 0) child++;
      if (this.#compare(slot, heap[child]!) >= 0) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = slot;
  }

  #compare(a: number, b: number): number {
    const distance = this.#distance[a]!;
    if (distance !== this.#distance[b]!) return distance < this.#distance[b]! ? -1 : 1;
    const at = this.#idAt[a]!;
    const byId = this.#compareId(this.#ids, at, this.#idLength[a]!, b);
    return byId !== 0 ? byId : this.#order[a]! - this.#order[b]!;
  }

  /** Negative when the largest kept document ranks before the one offered. */
  #compareTop(distance: number, id: Uint8Array, order: number): number {
    const top = this.#heap[0]!;
    if (this.#distance[top]! !== distance) return this.#distance[top]! < distance ? -1 : 1;
    const byId = -this.#compareId(id, 0, id.length, top);
    return byId !== 0 ? byId : this.#order[top]! - order;
  }

  #compareId(bytes: Uint8Array, at: number, length: number, slot: number): number {
    const ids = this.#ids;
    const other = this.#idAt[slot]!;
    const otherLength = this.#idLength[slot]!;
    const shorter = length < otherLength ? length : otherLength;
    for (let i = 0; i < shorter; i++) {
      const difference = bytes[at + i]! - ids[other + i]!;
      if (difference !== 0) return difference;
    }
    return length - otherLength;
  }

  #docid(slot: number): Uint8Array {
    const at = this.#idAt[slot]!;
    return this.#ids.subarray(at, at + this.#idLength[slot]!);
  }

  #storeId(slot: number, id: Uint8Array): void {
    if (this.#idsEnd + id.length > this.#ids.length) this.#compactIds(id.length);
    this.#ids.set(id, this.#idsEnd);
    this.#idAt[slot] = this.#idsEnd;
    this.#idLength[slot] = id.length;
    this.#idsEnd += id.length;
    this.#idsLive += id.length;
  }

  /** Moves the docids of the documents kept to a new arena with room for half as much again. */
  #compactIds(room: number): void {
    const capacity = Math.max(1024, Math.ceil((this.#idsLive + room) * 1.5));
    if (capacity > 2 ** 32) throw new RangeError('the docids of the selected documents exceed 4 GiB');
    const ids = new Uint8Array(capacity);
    let end = 0;
    for (const slot of this.#heap.subarray(0, this.#size)) {
      ids.set(this.#docid(slot), end);
      this.#idAt[slot] = end;
      end += this.#idLength[slot]!;
    }
    this.#ids = ids;
    this.#idsEnd = end;
  }

  #grow(): void {
    const capacity = Math.max(256, Math.ceil(this.#heap.length * 1.5));
    const firstNew = this.#heap.length;
    this.#heap = copied(this.#heap, new Uint32Array(capacity));
    for (let slot = firstNew; slot < capacity; slot++) this.#heap[slot] = slot;
    this.#distance = copied(this.#distance, new Float64Array(capacity));
    this.#order = copied(this.#order, new Float64Array(capacity));
    this.#tokens = copied(this.#tokens, new Uint32Array(capacity));
    this.#idAt = copied(this.#idAt, new Uint32Array(capacity));
    this.#idLength = copied(this.#idLength, new Uint32Array(capacity));
  }
}

function copied<T extends Float64Array | Uint32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
