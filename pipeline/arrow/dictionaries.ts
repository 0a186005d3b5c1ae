import type { Vector } from 'apache-arrow';

/**
 * The distinct values of several dictionaries. `firsts`: where each occurs first, as a row of all dictionaries one
 * after another. `places[d][row]`: which of the distinct values that row of dictionary d is.
 */
export function distinctValues(dictionaries: readonly Vector[]): {
  firsts: Int32Array;
  places: Int32Array[];
} {
  const placeOf = new Map<unknown, number>();
  const firsts: number[] = [];
  let start = 0;
  const places = dictionaries.map((dictionary) => {
    const mine = new Int32Array(dictionary.length);
    for (let row = 0; row < dictionary.length; row++) {
      const key = keyOf(dictionary.get(row));
      let place = placeOf.get(key);
      if (place === undefined) {
        place = firsts.length;
        placeOf.set(key, place);
        firsts.push(start + row);
      }
      mine[row] = place;
    }
    start += dictionary.length;
    return mine;
  });
  return { firsts: Int32Array.from(firsts), places };
}

/** Something that a Map compares by value. */
function keyOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'string') return `text:${value}`;
  if (typeof value !== 'object' || value === null) return value;
  return `json:${JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner))}`;
}
