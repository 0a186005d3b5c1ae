import { z } from 'zod';
import { type Batch, inputOrder } from '../../pipeline/batch.js';
import { NagError } from '../../pipeline/errors.js';
import type { FeatureInfo } from '../columns.js';
import { createSample, type DocumentSample, offer, sampledFeatures } from '../nag/document-sample.js';
import { addFeatures, createCounts, type FeatureIndices, type ProfileCounts } from '../nag/profile.js';
import { seededFraction } from '../sampling.js';

/** Options of `profile` for profiles of parts of the target. */
export const samplesOptions = {
  samples: z
    .array(z.int().min(1))
    .min(1)
    .optional()
    .describe(
      'Also profiles of so many of the documents: targets named by their number, beside "all" (memory: the features of twice the largest)',
    ),
  seed: z
    .int()
    .default(1)
    .describe('With samples: another seed, other documents. Smaller samples are part of larger ones'),
} as const;

/** Room for the largest of the samples; undefined where none are asked for. */
export function samplesFor(sizes: readonly number[] | undefined): DocumentSample | undefined {
  return sizes && createSample(Math.max(...sizes));
}

/** Documents are drawn by a seeded hash of their place in the input: the same in any split of it. */
export function offerBatch(
  sample: DocumentSample,
  batch: Batch,
  features: FeatureIndices,
  info: FeatureInfo,
  seed: number,
): void {
  const size = info.layers * info.k;
  for (let row = 0; row < batch.rows.length; row++) {
    const order = inputOrder(batch, row);
    const own = features.subarray(row * size, (row + 1) * size);
    offer(sample, seededFraction(seed, String(order)), order, own);
  }
}

/** The names of samples of some sizes. */
export function sampleNames(sizes: readonly number[]): string[] {
  return [...new Set(sizes)].map(String);
}

/** The counts of each sample, named by its size. */
export function sampleCounts(
  sample: DocumentSample,
  sizes: readonly number[],
  info: FeatureInfo,
): { name: string; counts: ProfileCounts }[] {
  const features = sampledFeatures(sample);
  return [...new Set(sizes)].map((size) => {
    if (size > features.length)
      throw new NagError(`samples: ${size}, but the target has ${features.length} documents; leave it out`);
    const counts = createCounts(info.layers, info.width);
    for (const own of features.slice(0, size)) addFeatures(counts, own, 1, info.k);
    return { name: String(size), counts };
  });
}
