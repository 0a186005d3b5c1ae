/** Documents that are taken together before anything is known of the model's speed. */
const atFirst = 64;

/** What is taken together is worked through in about this time: a slow model gives results every now and then too. */
export const windowMs = 20_000;

/** How many documents are taken together. */
export interface Pace {
  /** Of the next window. */
  readonly documents: number;
  /** Told how long a window took. */
  took(documents: number, ms: number): void;
}

/** Windows grow twofold at most, as documents that were seen before say nothing of those that follow. */
export function createPace(most: number): Pace {
  let documents = Math.min(most, atFirst);
  return {
    get documents() {
      return documents;
    },
    took: (count, ms) => {
      if (count === 0) return;
      const wanted = Math.min((count * windowMs) / ms, 2 * count, most);
      documents = Math.max(1, Math.floor(wanted));
    },
  };
}
