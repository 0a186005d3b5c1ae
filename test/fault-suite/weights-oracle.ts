import type { Tensor } from '../../transforms/backbone/types.js';

/** What the format's description asks of a file of weights, in other words than the program's own. */
export function wrongWeights(file: Uint8Array, tensors: readonly Tensor[]): string | undefined {
  const bytes = Buffer.from(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { data_offsets: [number, number] }> = JSON.parse(
    bytes.toString('utf8', 8, start),
  );
  const spans = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([, { data_offsets: span }]) => span)
    .sort(([a, aEnd], [b, bEnd]) => a - b || aEnd - bEnd);
  let end = 0;
  for (const [from, to] of spans) {
    if (from !== end) return `a tensor begins at ${from}, the one before ends at ${end}`;
    end = to;
  }
  if (start + end !== bytes.length) return `the tensors end at ${start + end}, the file at ${bytes.length}`;
  const outside = tensors.find(
    ({ offset, bytes: length }) => offset < start || offset + length > bytes.length,
  );
  return outside && `${outside.name} lies outside the file`;
}
