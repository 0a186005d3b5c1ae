/** The smallest and largest of the values seen: an accumulator. */
export interface MinMax {
  min: number;
  max: number;
}

/** No values yet. */
export function createMinMax(): MinMax {
  return { min: Infinity, max: -Infinity };
}

export function addValues(range: MinMax, values: Float64Array): void {
  for (const value of values) {
    if (value < range.min) range.min = value;
    if (value > range.max) range.max = value;
  }
}

export function mergeMinMax(into: MinMax, other: MinMax): void {
  into.min = Math.min(into.min, other.min);
  into.max = Math.max(into.max, other.max);
}

/** `(value − min) / (max − min)`, in [0, 1]; 0 where all values are equal (NAG.md §5). */
export function scaled({ min, max }: MinMax, value: number): number {
  return max === min ? 0 : (value - min) / (max - min);
}
