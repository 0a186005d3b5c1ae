import type { FeatureIndices } from './profile.js';

/** The `size` documents with the smallest keys, whatever the order in which they came: a uniform sample of all. */
export interface DocumentSample {
  readonly size: number;
  members: Member[];
  /** Documents with larger keys need not be offered any more. */
  limit: number;
}

interface Member {
  readonly key: number;
  /** Decides between equal keys. */
  readonly order: number;
  /** [layers × k] */
  readonly features: FeatureIndices;
}

export function createSample(size: number): DocumentSample {
  return { size, members: [], limit: Infinity };
}

/** Offers a document; its features are copied only where it may be taken. At most 2 × size are held. */
export function offer(sample: DocumentSample, key: number, order: number, features: FeatureIndices): void {
  if (key > sample.limit) return;
  sample.members.push({ key, order, features: features.slice() });
  if (sample.members.length >= 2 * sample.size) shrink(sample);
}

export function mergeSamples(into: DocumentSample, other: DocumentSample): void {
  into.members.push(...other.members);
  shrink(into);
}

/** The features of the members, smallest key first: the first n of them are the sample of size n. */
export function sampledFeatures(sample: DocumentSample): FeatureIndices[] {
  shrink(sample);
  return sample.members.map(({ features }) => features);
}

function shrink(sample: DocumentSample): void {
  sample.members.sort((a, b) => a.key - b.key || a.order - b.order);
  sample.members.splice(sample.size);
  if (sample.members.length === sample.size) sample.limit = sample.members.at(-1)!.key;
}
