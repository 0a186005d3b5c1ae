import { z } from 'zod';
import { type Batch, withoutColumns } from '../pipeline/batch.js';
import { type Context, defineCombine } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { neuronTypes } from './backbone/types.js';
import {
  type FeatureInfo,
  featureColumn,
  featureColumns,
  featureNeeds,
  featuresRemedy,
  findFeatures,
} from './columns.js';
import { type DocumentSample, mergeSamples } from './nag/document-sample.js';
import {
  addFeatures,
  createCounts,
  type FeatureIndices,
  mergeCounts,
  type ProfileCounts,
  profileWeights,
} from './nag/profile.js';
import { tellDrift } from './profile/drift.js';
import { byCodePoint, requireFewTargets, rowsByValue } from './profile/groups.js';
import { withTargets } from './profile/known.js';
import { offerBatch, sampleCounts, sampleNames, samplesFor, samplesOptions } from './profile/samples.js';
import { requireComparable } from './same-features.js';

const options = z
  .strictObject({
    feature: z.enum(neuronTypes).optional().describe('Neuron type, where several were extracted'),
    power: z.number().min(0).default(1).describe('Exponent of the counts before they are normalized'),
    by: z.string().min(1).optional().describe('Make one target a value of this column of text'),
    targets: z
      .array(z.string())
      .min(1)
      .refine((names) => new Set(names).size === names.length, { message: 'a target is named twice' })
      .optional()
      .describe('With by: only these values, in this order. Without it all, by code point'),
    name: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Name of the only target: rank then adds it to its rows; of several profiles, instead of the id',
      ),
    ...samplesOptions,
  })
  .refine(({ name, by, samples }) => name === undefined || (by === undefined && samples === undefined), {
    message: 'by and samples name their targets themselves: leave name out',
  })
  .refine(({ by, targets }) => targets === undefined || by !== undefined, {
    message: 'targets are values of a column: name it with by',
  })
  .refine(({ by, samples }) => by === undefined || samples === undefined, {
    message: 'give either by or samples, not both: read one target at a time with where',
  });

type Options = z.output<typeof options>;

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
  /** By the value of the column `by`; all documents are undefined's without one. */
  readonly counts: Map<string | undefined, ProfileCounts>;
  readonly sample: DocumentSample | undefined;
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
  chain: { takes: 'features', after: 'impacts', fromFiles: true, remedy: featuresRemedy },
  preview: (input, settings, { stage }) =>
    input.map((batch) => {
      const { info } = findFeatures(batch.columns, settings.feature);
      if (settings.by !== undefined) rowsByValue(batch, settings.by);
      const others = featureColumns(batch.columns).filter((own) => own !== featureColumn(info.neurons));
      return withTargets(withoutColumns(batch, others), { stage, names: targetNames(settings) });
    }),
  needs: ({ by, feature }) => ({
    columns: [...(by === undefined ? [] : [by]), ...featureNeeds(feature)],
  }),
  start: async (settings, context) => ({
    create: () => undefined,
    add: (partial, batch) => addBatch(partial, batch, settings, context),
    merge: (a, b) => mergePartials(a, b, settings),
    extract: async (partial) => {
      if (!partial)
        throw new NagError(
          `${context.stage}: the target is empty: no document reached it; check its path and where`,
        );
      const targets = targetsOf(partial, settings, context.stage);
      context.count(
        'documents',
        targets.reduce((sum, { documents }) => sum + documents, 0),
      );
      const made = { info: partial.info, targets: [...sampleTargets(partial, settings), ...targets] };
      await tellDrift({ ...made, power: settings.power }, context);
      return made;
    },
  }),
});

function addBatch(
  partial: Partial | undefined,
  batch: Batch,
  settings: Options,
  context: Context,
): Partial | undefined {
  if (batch.rows.length === 0) return partial;
  const { info, values } = findFeatures(batch.columns, settings.feature);
  const into = partial ?? { info, counts: new Map(), sample: samplesFor(settings.samples) };
  requireComparable(into.info, info, 'the target');
  const count = (target: string | undefined, features: FeatureIndices, rows: number) => {
    const counts = into.counts.get(target) ?? createCounts(info.layers, info.width);
    into.counts.set(target, counts);
    addFeatures(counts, features, rows, info.k);
  };
  if (settings.by === undefined) {
    count(undefined, values, batch.rows.length);
    if (into.sample) offerBatch(into.sample, batch, values, info, settings.seed);
    return into;
  }
  const { groups, without } = rowsByValue(batch, settings.by);
  if (without > 0) context.leftOut(`without ${settings.by}`, without);
  const size = info.layers * info.k;
  for (const [value, rows] of groups) {
    if (settings.targets && !settings.targets.includes(value))
      context.leftOut('of other targets', rows.length);
    else for (const row of rows) count(value, values.subarray(row * size, (row + 1) * size), 1);
  }
  requireFewTargets(into.counts.size, settings.by);
  return into;
}

function mergePartials(
  a: Partial | undefined,
  b: Partial | undefined,
  { by = '' }: Options,
): Partial | undefined {
  if (!a || !b) return a ?? b;
  requireComparable(a.info, b.info, 'the target');
  for (const [target, counts] of b.counts) {
    const known = a.counts.get(target);
    if (known) mergeCounts(known, counts);
    else a.counts.set(target, counts);
  }
  if (a.sample && b.sample) mergeSamples(a.sample, b.sample);
  requireFewTargets(a.counts.size, by);
  return a;
}

/** What targets will be called, in their order, null without a name; undefined where only rows tell. */
function targetNames({ by, targets, samples, name }: Options): (string | null)[] | undefined {
  if (by !== undefined) return targets;
  return samples ? [...sampleNames(samples), 'all'] : [name ?? null];
}

/** The profiles in the order of `targets`, or of the values' code points. */
function targetsOf({ counts }: Partial, settings: Options, stage: string): TargetProfile[] {
  const { by, power, samples } = settings;
  if (by === undefined)
    return [targetOf(samples === undefined ? settings.name : 'all', counts.get(undefined)!, power)];
  const found = byCodePoint([...counts.keys()].flatMap((name) => name ?? []));
  const names = settings.targets ?? found;
  const missing = names.find((name) => !counts.has(name));
  if (missing !== undefined || names.length === 0) {
    const what = missing === undefined ? 'no value' : `no document with "${missing}"`;
    throw new NagError(
      `${stage}: a target is empty: there is ${what} in the column "${by}" (found: ${found.slice(0, 20).join(', ') || 'nothing'})`,
    );
  }
  return names.map((name) => targetOf(name, counts.get(name)!, power));
}

/** Profiles of parts of the target, by which it can be seen how much depends on its size. */
function sampleTargets({ info, sample }: Partial, { samples = [], power }: Options): TargetProfile[] {
  if (!sample) return [];
  return sampleCounts(sample, samples, info).map(({ name, counts }) => targetOf(name, counts, power));
}

function targetOf(name: string | undefined, counts: ProfileCounts, power: number): TargetProfile {
  return { name, weights: profileWeights(counts, power), documents: counts.documents };
}
