/**
 * Sums of non-negative float32 numbers that come out the same, to the bit, in any order and split: the rows' totals are
 * `high + low`, with `high` in multiples of 2⁻²⁰ and `low`, in [0, 2⁻²⁰), in multiples of 2⁻⁶⁰. Both fit float64 without
 * rounding up to totals of 2³³.
 */
export interface ExactSums {
  readonly high: Float64Array;
  readonly low: Float64Array;
  rows: number;
}

const unit = 2 ** -20;
const grain = 2 ** -60;
/** From here on every float32 is a multiple of the grain; smaller ones are rounded to one, each by itself. */
const exactFrom = 2 ** -37;

/** No rows yet. */
export function createSums(width: number): ExactSums {
  return { high: new Float64Array(width), low: new Float64Array(width), rows: 0 };
}

/**
 * Adds rows of values [rows × width].
 * @throws RangeError for a value that is negative or not finite
 */
export function addToSums(sums: ExactSums, values: Float32Array, rows: number): void {
  const width = sums.high.length;
  for (let row = 0, i = 0; row < rows; row++) {
    for (let at = 0; at < width; at++, i++) {
      const value = values[i]!;
      if (!(value >= 0 && value < Infinity))
        throw new RangeError(`row ${row}: expected numbers of at least 0, found ${value}`);
      const whole = Math.floor(value / unit) * unit;
      const rest = value - whole;
      add(sums, at, whole, value < exactFrom ? Math.round(rest / grain) * grain : rest);
    }
  }
  sums.rows += rows;
}

/** Adds the sums of other rows. */
export function mergeSums(into: ExactSums, other: ExactSums): void {
  for (let at = 0; at < into.high.length; at++) add(into, at, other.high[at]!, other.low[at]!);
  into.rows += other.rows;
}

/** The mean of each value: the total, rounded once to float64, divided by the number of rows. */
export function meansOf({ high, low, rows }: ExactSums): Float64Array {
  return high.map((whole, at) => (whole + low[at]!) / rows);
}

function add({ high, low }: ExactSums, at: number, whole: number, rest: number): void {
  const sum = low[at]! + rest;
  const carry = sum >= unit ? unit : 0;
  high[at] = high[at]! + (whole + carry);
  low[at] = sum - carry;
}
