import { createKernel } from './kernel.js';
import type { FeatureIndices } from './profile.js';

/** How features are laid out. */
export interface FeatureShape {
  readonly layers: number;
  /** Neurons kept a layer. */
  readonly k: number;
  /** Neurons that there are a layer. */
  readonly width: number;
}

/**
 * Writes the distances of `rows` documents to each target.
 * @param features [rows × layers × k]; an index outside the width counts 0
 * @param out a target: [rows]
 * @throws RangeError when an array's length does not fit the shape
 */
export type Distances = (features: FeatureIndices, rows: number, out: readonly Float64Array[]) => void;

/** Tables of this many bytes share a copy of the features; more targets go over them again. */
const TABLE_BYTES = 2 ** 30;

/**
 * Features are copied to where they are summed in parts of at most this size (of 16 bits an index): few enough to stay
 * in the cache from layer to layer; with several targets, enough to be worth fetching the tables for.
 */
const PART_BYTES = { one: 2 ** 19, several: 5 * 2 ** 19 };

const numberBytes = 8;
const pairBytes = 2 * numberBytes;

/**
 * `distance[row] = 1 − (1/layers) · Σ_l Σ_k weights[l][features[row][l][k]]` (paper 2.3), bit-equal to NumPy's
 * `sum(axis=1)` over each layer's gathered [rows, k] block, layer added to layer. A row's distance to a target depends
 * on nothing else, neither other rows nor targets. Costs about as much memory as `targets`.
 * @param targets the weights of each, [layers × width]
 * @throws RangeError when a target's length does not fit the shape
 */
export function distancesTo(shape: FeatureShape, targets: readonly Float64Array[]): Distances {
  const { layers, k, width } = shape;
  for (const weights of targets)
    checkShape('weights', weights.length === layers * width, `${layers} × ${width}`, weights.length);
  const pairs = Math.max(1, Math.floor(TABLE_BYTES / (layers * (width + 1) * pairBytes)));
  const groups = inGroups(targets, 2 * pairs).map((group) => sumsOf(shape, group));
  return (features, rows, out) => {
    checkShape(
      'features',
      features.length >= rows * layers * k,
      `${rows} × ${layers} × ${k}`,
      features.length,
    );
    if (out.length !== targets.length)
      throw new RangeError(`out: expected one array a target, ${targets.length}, found ${out.length}`);
    for (const own of out) checkShape('out', own.length >= rows, `${rows}`, own.length);
    for (const [i, sums] of groups.entries())
      sums(features, rows, out.slice(2 * pairs * i, 2 * pairs * (i + 1)));
  };
}

/**
 * Like `distancesTo`, unchecked. The kernel's memory: a part of the features; its sums, [rows × 2] a pair of targets; a
 * table a pair, [layers × (width + 1) × 2], where what stands at `width` is 0. An odd target's have no second lane.
 */
function sumsOf({ layers, k, width }: FeatureShape, targets: readonly Float64Array[]): Distances {
  const size = layers * k;
  const most = targets.length === 1 ? PART_BYTES.one : PART_BYTES.several;
  const mostRows = Math.max(1, Math.floor(most / (size * Uint16Array.BYTES_PER_ELEMENT)));
  const sumsAt = aligned(mostRows * size * Uint32Array.BYTES_PER_ELEMENT);
  const tablesAt = aligned(sumsAt + targets.length * mostRows * numberBytes);
  const pairs = inGroups(targets, 2).map((own, i) => ({
    lanes: own.length,
    sums: sumsAt + i * mostRows * pairBytes,
    table: tablesAt + i * layers * (width + 1) * pairBytes,
  }));
  const { exports, memory } = createKernel(tablesAt + targets.length * layers * (width + 1) * numberBytes);
  const numbers = new Float64Array(memory);
  for (const [i, weights] of targets.entries()) {
    const { lanes, table } = pairs[i >> 1]!;
    fillTable(numbers.subarray(table / numberBytes), weights, width, i & 1, lanes);
  }
  const wide = { clamp: exports.clamp32, one: exports.one32, two: exports.two32, limit: width };
  // Of 16 bits, no index is outside a larger width.
  const narrow = {
    clamp: exports.clamp16,
    one: exports.one16,
    two: exports.two16,
    limit: Math.min(width, 65535),
  };

  return (features, rows, out) => {
    const { clamp, one, two, limit } = features instanceof Uint16Array ? narrow : wide;
    const layerBytes = k * features.BYTES_PER_ELEMENT;
    const partRows = Math.ceil(rows / Math.ceil(rows / mostRows));
    for (let first = 0; first < rows; first += partRows) {
      const count = Math.min(partRows, rows - first);
      const part = features.subarray(first * size, (first + count) * size);
      copyInto(memory, part);
      clamp(0, part.byteLength, limit);
      numbers.fill(0, sumsAt / numberBytes, tablesAt / numberBytes);
      for (let layer = 0; layer < layers; layer++) {
        for (const { lanes, sums, table } of pairs) {
          const tableBytes = (width + 1) * lanes * numberBytes;
          const own = table + layer * tableBytes;
          exports.fetch(own, tableBytes);
          (lanes === 1 ? one : two)(layer * layerBytes, count, layers * layerBytes, k, own, sums);
        }
      }
      for (const [i, distances] of out.entries()) {
        const { lanes, sums } = pairs[i >> 1]!;
        const start = sums / numberBytes + (i & 1);
        for (let row = 0; row < count; row++)
          distances[first + row] = 1 - numbers[start + row * lanes]! / layers;
      }
    }
  };
}

function fillTable(
  table: Float64Array,
  weights: Float64Array,
  width: number,
  lane: number,
  lanes: number,
): void {
  let at = lane;
  for (let base = 0; base < weights.length; base += width, at += lanes)
    for (let i = 0; i < width; i++, at += lanes) table[at] = weights[base + i]!;
}

function copyInto(memory: ArrayBuffer, features: FeatureIndices): void {
  if (features instanceof Uint16Array) new Uint16Array(memory, 0, features.length).set(features);
  else new Uint32Array(memory, 0, features.length).set(features);
}

/** The next multiple of a vector's bytes. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / pairBytes) * pairBytes;
}

function inGroups<T>(all: readonly T[], size: number): T[][] {
  const starts = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => i * size);
  return starts.map((start) => all.slice(start, start + size));
}

function checkShape(name: string, fits: boolean, expected: string, found: number): void {
  if (!fits) throw new RangeError(`${name}: expected ${expected} values, found ${found}`);
}
