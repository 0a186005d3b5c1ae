import type { Budget } from './fitting.js';

/** What a call of the model costs beside its tokens, in tokens: all weights are read once, however few there are. */
const callTokens = 32;

/**
 * Groups of documents (their positions) of similar length, longest first, each within the token budget once padded; a
 * single document may be longer. Of all such groups those with the fewest tokens, padding and calls included. A budget
 * that has shrunk counts from the next group on.
 */
export function* byLength(documents: readonly Int32Array[], budget: Budget): Generator<number[]> {
  const order = [...documents.keys()].sort((a, b) => documents[b]!.length - documents[a]!.length || a - b);
  const lengths = order.map((i) => documents[i]!.length);
  let tokens = budget.tokens;
  let ends = bestEnds(lengths, tokens);
  for (let start = 0; start < order.length; start = ends[start]!) {
    if (budget.tokens !== tokens) {
      tokens = budget.tokens;
      ends = bestEnds(lengths, tokens);
    }
    yield order.slice(start, ends[start]);
  }
}

/** For each document, of lengths that fall, where a group that starts with it best ends: from the last to the first. */
function bestEnds(lengths: readonly number[], tokens: number): Int32Array {
  const count = lengths.length;
  const ends = new Int32Array(count);
  const costs = new Float64Array(count + 1);
  for (let start = count - 1; start >= 0; start--) {
    const longest = lengths[start]!;
    const most = Math.max(1, Math.floor(tokens / longest));
    let least = Infinity;
    for (let end = start + 1; end <= Math.min(count, start + most); end++) {
      const cost = callTokens + (end - start) * longest + costs[end]!;
      // Of two that cost the same, the larger group.
      if (cost > least) continue;
      least = cost;
      ends[start] = end;
    }
    costs[start] = least;
  }
  return ends;
}
