import type { NeuronType, SessionResult } from '../backbone/types.js';

/**
 * Top indices of documents that the model has seen, by their token ids: the first that came, as many as the memory
 * takes, so that a target's documents are not computed again where they are in the pool as well.
 */
export class SeenDocuments {
  readonly #bytes: number;
  readonly #known = new Map<string, number>();
  /** Of each type the indices of all known documents, one after the other. */
  readonly #top = new Map<NeuronType, Int32Array>();
  #used = 0;

  /** @param bytes of token ids and indices, at most */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** What the model gave for these ids; undefined where it is not known. */
  get(key: string): SessionResult | undefined {
    const at = this.#known.get(key);
    if (at === undefined) return undefined;
    const top = [...this.#top].map(([type, values]) => {
      const stride = values.length / capacityOf(this.#known.size);
      return [type, values.subarray(at * stride, (at + 1) * stride)];
    });
    return { top: Object.fromEntries(top), impacts: {} };
  }

  /** Remembers what the model gave for these ids, if there is room. @param top [layers × k] of each type */
  add(key: string, top: readonly (readonly [NeuronType, Int32Array])[]): void {
    this.#used += key.length + top.reduce((sum, [, values]) => sum + values.byteLength, 0);
    if (this.#used > this.#bytes || this.#known.has(key)) return;
    const at = this.#known.size;
    this.#known.set(key, at);
    for (const [type, values] of top) {
      const all = this.#top.get(type) ?? new Int32Array(0);
      const wanted = capacityOf(at + 1) * values.length;
      const into = all.length === wanted ? all : grown(all, wanted);
      into.set(values, at * values.length);
      this.#top.set(type, into);
    }
  }

  close(): void {
    this.#known.clear();
    this.#top.clear();
  }
}

/** Token ids as a text that is equal where they are. */
export function keyOf({ buffer, byteOffset, byteLength }: Int32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

/** Room for so many documents: a power of two. */
function capacityOf(documents: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(64, documents)));
}

function grown(values: Int32Array, length: number): Int32Array {
  const into = new Int32Array(length);
  into.set(values);
  return into;
}
