import { z } from 'zod';
import type { Batch } from '../pipeline/batch.js';
import { defineCombine } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { neuronTypes } from './backbone/types.js';
import { type FeatureInfo, featureNeeds, findFeatures } from './columns.js';
import { addFeatures, createCounts, mergeCounts, type ProfileCounts, profileWeights } from './nag/profile.js';
import { requireComparable } from './same-features.js';

const options = z.strictObject({
  feature: z.enum(neuronTypes).optional().describe('Neuron type, where several were extracted'),
  power: z.number().min(0).default(1).describe('Exponent of the counts before they are normalized'),
});

/** How often each neuron is active in the target's documents: what `score` compares with (NAG.md §3). */
export interface Profile {
  /** How the features were made. */
  readonly info: FeatureInfo;
  /** At least one. */
  readonly targets: readonly TargetProfile[];
}

/** The profile of one target. */
export interface TargetProfile {
  /** Undefined where there is but one. */
  readonly name: string | undefined;
  /** [layers × width]; each layer sums to 1 */
  readonly weights: Float64Array;
  readonly documents: number;
}

interface Partial {
  readonly info: FeatureInfo;
  readonly counts: ProfileCounts;
}

/** Combine: the profile of a target from the NAGs of its documents. */
export const profile = defineCombine<typeof options, Partial | undefined, Profile>({
  name: 'profile',
  summary: 'Combine the NAGs of a target into its profile, the side input of score',
  options,
  yields: 'value',
  example: `
    - {use: read.jsonl, with: {path: target.jsonl}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {id: target, use: profile}
    - {use: read.parquet, with: {path: "pool/*.parquet"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {use: score, from: {profile: target}}
    - {use: write.parquet, with: {path: out/scored.parquet}}`,
  needs: ({ feature }) => featureNeeds(feature),
  start: async ({ feature, power }, context) => ({
    create: () => undefined,
    add: (partial, batch) => addBatch(partial, batch, feature),
    merge: (a, b) => mergePartials(a, b),
    extract: (partial) => {
      if (!partial)
        throw new NagError(
          `${context.stage}: the target is empty: no document reached it; check its path and where`,
        );
      context.count('documents', partial.counts.documents);
      const { documents } = partial.counts;
      const target = { name: undefined, weights: profileWeights(partial.counts, power), documents };
      return { info: partial.info, targets: [target] };
    },
  }),
});

function addBatch(
  partial: Partial | undefined,
  batch: Batch,
  feature: z.output<typeof options>['feature'],
): Partial | undefined {
  if (batch.rows.length === 0) return partial;
  const { info, values } = findFeatures(batch.columns, feature);
  const into = partial ?? { info, counts: createCounts(info.layers, info.width) };
  requireComparable(into.info, info, 'the target');
  addFeatures(into.counts, values, batch.rows.length, info.k);
  return into;
}

function mergePartials(a: Partial | undefined, b: Partial | undefined): Partial | undefined {
  if (!a || !b) return a ?? b;
  requireComparable(a.info, b.info, 'the target');
  mergeCounts(a.counts, b.counts);
  return a;
}
