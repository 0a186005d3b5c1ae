/** Park–Miller: the same integers below `n` in every run, and in a line of any other language. */
export function randomIntegers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state * 48271) % 0x7fff_ffff;
    return state % n;
  };
}
