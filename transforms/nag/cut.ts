/** The state of a cut: how much of a ranked list fits a token budget so far. */
export interface PrefixCut {
  readonly budget: number;
  documents: number;
  tokens: number;
  /** A document did not fit: nothing after it is taken. */
  ended: boolean;
  /** Not even the first document fitted, and it was taken nevertheless. */
  single: boolean;
}

/** An empty prefix of a ranked list. */
export function createCut(budget: number): PrefixCut {
  if (!(budget >= 0)) throw new RangeError(`token budget: expected at least 0, found ${budget}`);
  return { budget, documents: 0, tokens: 0, ended: false, single: false };
}

/**
 * Whether the next document in rank order is selected: the longest prefix whose cumulative tokens are within
 * the budget, ended by the first document that does not fit; where the very first does not fit, that one alone.
 */
export function takeNext(cut: PrefixCut, tokens: number): boolean {
  if (cut.ended) return false;
  if (cut.tokens + tokens > cut.budget) {
    cut.ended = true;
    if (cut.documents > 0) return false;
    cut.single = true;
  }
  cut.documents++;
  cut.tokens += tokens;
  return true;
}

/**
 * The selected documents of a ranked stream; `cut` holds the totals afterwards. It reads one document beyond the
 * prefix and no more. A total of no tokens at all selects nothing: that is for the caller to see.
 */
export async function* cutPrefix<T extends { readonly tokens: number }>(
  ranked: Iterable<T> | AsyncIterable<T>,
  cut: PrefixCut,
): AsyncGenerator<T> {
  for await (const document of ranked) {
    if (takeNext(cut, document.tokens)) yield document;
    if (cut.ended) return;
  }
}
