/** Numbers that are added one by one, in chunks: growing copies nothing and wastes little. */
export interface Values {
  readonly chunks: Float64Array[];
  /** Numbers in the last chunk. */
  used: number;
  length: number;
}

const smallestChunk = 64;
const largestChunk = 65536;

export function createValues(): Values {
  return { chunks: [], used: 0, length: 0 };
}

export function addValue(values: Values, value: number): void {
  let last = values.chunks.at(-1);
  if (last === undefined || values.used === last.length) {
    last = new Float64Array(Math.min(largestChunk, Math.max(smallestChunk, values.length)));
    values.chunks.push(last);
    values.used = 0;
  }
  last[values.used++] = value;
  values.length++;
}

/** All of them in one array; `values` is empty afterwards, so that they are not held twice for long. */
export function takeValues(values: Values): Float64Array {
  const all = new Float64Array(values.length);
  let at = 0;
  for (const chunk of values.chunks) {
    all.set(chunk.subarray(0, Math.min(chunk.length, all.length - at)), at);
    at += chunk.length;
  }
  values.chunks.length = 0;
  values.length = 0;
  values.used = 0;
  return all;
}
