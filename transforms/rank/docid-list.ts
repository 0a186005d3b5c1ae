/** A growing list of docids as bytes, in one piece of memory. */
export class DocidList {
  #bytes = new Uint8Array(1024);
  #ends = new Float64Array(64);
  #count = 0;

  push(docid: Uint8Array): void {
    const start = this.#end(this.#count);
    const end = start + docid.length;
    if (end > this.#bytes.length) this.#bytes = larger(this.#bytes, new Uint8Array(end * 2));
    if (this.#count === this.#ends.length)
      this.#ends = larger(this.#ends, new Float64Array(this.#ends.length * 2));
    this.#bytes.set(docid, start);
    this.#ends[this.#count++] = end;
  }

  /** Memory held. */
  get bytes(): number {
    return this.#bytes.length + this.#ends.byteLength;
  }

  /** A view. */
  at(index: number): Uint8Array {
    return this.#bytes.subarray(this.#end(index), this.#end(index + 1));
  }

  /** Where the docids before this one end. */
  #end(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }
}

function larger<T extends Uint8Array | Float64Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
