/**
 * `k` different numbers below `width` for each layer, every choice equally likely, the same for the same seed: layer by
 * layer the first k places of a Fisher-Yates shuffle of 0 … width − 1, where place i is exchanged with place
 * `i + (draw mod (width − i))`. Draws come from one mulberry32 generator, whose state the seed is at first; those of at
 * least the largest multiple of `width − i` below 2³² are left out.
 * @returns [layers × k], k at most the width
 */
export function drawNeurons(seed: number, layers: number, width: number, k: number): Int32Array {
  const below = uniform(seed);
  const drawn = new Int32Array(layers * k);
  for (let layer = 0; layer < layers; layer++) {
    const places = Int32Array.from({ length: width }, (_, i) => i);
    for (let i = 0; i < k; i++) {
      const j = i + below(width - i);
      [places[i], places[j]] = [places[j]!, places[i]!];
    }
    drawn.set(places.subarray(0, k), layer * k);
  }
  return drawn;
}

/** Whole numbers below n, each equally likely. */
function uniform(seed: number): (n: number) => number {
  const next = mulberry32(seed);
  return (n) => {
    const limit = 2 ** 32 - (2 ** 32 % n);
    let draw = next();
    while (draw >= limit) draw = next();
    return draw % n;
  };
}

/** Tommy Ettinger's generator: 32 bits of state, whole numbers below 2³². */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  };
}
