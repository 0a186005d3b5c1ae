import type { Selection } from '../nag/budget-heap.js';

/** The selections of all targets one after the other: what comes out, in rank order. */
export interface Choice {
  /** [places] input order of the document at each place */
  readonly order: Float64Array;
  /** [places] which target chose it */
  readonly target: Uint32Array;
  /** [places] what it was ranked by */
  readonly score: Float64Array;
  readonly tokens: number;
}

/** @param stays [places of all selections, concatenated] 0 for those that are left out */
export function concatenated(selections: readonly Selection[], stays?: Uint8Array): Choice {
  const size = stays ? stays.reduce((sum, one) => sum + one, 0) : placesOf(selections);
  const [order, score] = [new Float64Array(size), new Float64Array(size)];
  const target = new Uint32Array(size);
  let [at, place, tokens] = [0, 0, 0];
  for (const [t, selection] of selections.entries()) {
    for (let i = 0; i < selection.order.length; i++) {
      if (stays?.[place++] === 0) continue;
      order[at] = selection.order[i]!;
      score[at] = selection.distance[i]!;
      target[at++] = t;
      tokens += selection.tokens[i]!;
    }
  }
  return { order, target, score, tokens };
}

export function placesOf(selections: readonly Selection[]): number {
  return selections.reduce((sum, { order }) => sum + order.length, 0);
}

/** The places sorted by input order; those of one document stand together, in their order. */
export function inInputOrder({ order }: Choice): Uint32Array {
  return Uint32Array.from(order.keys()).sort((a, b) => order[a]! - order[b]! || a - b);
}

/** The places of each document. @param places from `inInputOrder` */
export function* byDocument({ order }: Choice, places: Uint32Array): Generator<Uint32Array> {
  for (let start = 0; start < places.length; ) {
    let end = start + 1;
    while (end < places.length && order[places[end]!] === order[places[start]!]) end++;
    yield places.subarray(start, end);
    start = end;
  }
}
