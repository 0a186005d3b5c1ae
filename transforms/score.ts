import { Float64, makeData } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, withColumn, withoutColumns } from '../pipeline/batch.js';
import { type Context, defineTransform, type SideValues } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { withoutFaults } from '../pipeline/faults.js';
import type { KnownSides } from '../pipeline/preview.js';
import { neuronTypes } from './backbone/types.js';
import { featureColumns, featureNeeds, featuresRemedy, findFeatures } from './columns.js';
import { tellKept } from './kept-neurons.js';
import { type Distances, distancesTo } from './nag/similarity.js';
import { columnName, noteReplaced } from './own-column.js';
import { joinProfiles } from './profile/join.js';
import { knownProfile } from './profile/known.js';
import type { Profile } from './profile.js';
import { requireComparable } from './same-features.js';

/** Column that `score` adds: 1 − similarity to the target, in [0, 1]. Of several targets, one column each. */
export const distanceColumn = 'nag_distance';

/** Key of a distance column's metadata: to which target, where targets have names. */
export const targetKey = 'nag.target';

/** Key of a distance column's metadata: what `column` says, where it is not the usual name. */
export const nameKey = 'nag.distance';

const options = z.strictObject({
  feature: z.enum(neuronTypes).optional().describe('Neuron type, where several were extracted'),
  keep_features: z
    .boolean()
    .default(false)
    .describe('Keep the feature columns instead of removing them after use'),
  column: columnName(distanceColumn).describe(
    'Name of the column of distances; of several targets, <column>_<target> each. rank takes it as by',
  ),
});

type Options = z.output<typeof options>;

/**
 * Transform: adds `nag_distance` to the profile of a target (NAG.md §3), bit-equal to NumPy's; of several targets
 * `nag_distance_<target>` each. Targets are those of all profiles given, in this order.
 */
export const score = defineTransform({
  name: 'score',
  summary: `Add ${distanceColumn}, the distance of each document to the target, or one a target`,
  options,
  sides: ['profile'],
  severalSides: ['profile'],
  example: `
    - {use: read.jsonl, with: {path: target.jsonl}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {id: features, use: top_k, with: {k: 10}}
    - {id: target, use: profile}
    - {use: score, from: {main: features, profile: target}, with: {keep_features: true}}
    - {use: write.jsonl, with: {path: out/coherence.jsonl}}`,
  chain: { takes: 'features', makes: 'distances', after: 'impacts', fromFiles: true, remedy: featuresRemedy },
  preview: previewDistances,
  needs: () => ({ columns: featureNeeds() }),
  mayDrop: () => false,
  async *run(input, settings, context, sides) {
    const profile = joinProfiles(sides.get('profile') as SideValues<Profile>);
    const distances = distancesTo(
      profile.info,
      profile.targets.map(({ weights }) => weights),
    );
    tellKept(profile.info, context);
    for await (const batch of input) {
      const scored = scoreBatch(batch, profile, distances, settings, context);
      yield settings.keep_features ? scored : withoutColumns(scored, featureColumns(scored.columns));
    }
  },
});

function scoreBatch(
  batch: Batch,
  profile: Profile,
  distances: Distances,
  settings: Options,
  context: Context,
): Batch {
  const { info, values } = findFeatures(batch.columns, settings.feature ?? profile.info.neurons);
  requireComparable(profile.info, info, "the target's profile");
  const found = profile.targets.map(() => new Float64Array(batch.rows.length));
  distances(values, batch.rows.length, found);
  const scored = withDistances(batch, profile, found, settings, context);
  const reason = 'a distance is not a number: the profile is damaged';
  const fault = { reason, cause: new NagError(reason) };
  const damaged = (row: number) => found.some((distance) => Number.isNaN(distance[row]));
  return withoutFaults(scored, (row) => (damaged(row) ? fault : undefined), context.reject);
}

/** @param found a target: [rows] */
function withDistances(
  batch: Batch,
  { targets }: Profile,
  found: readonly Float64Array[],
  { column, keep_features }: Options,
  context: Context,
): Batch {
  const columnOf = (name: string | undefined) => (targets.length === 1 ? column : `${column}_${name}`);
  const names = targets.map(({ name }) => columnOf(name));
  // Of several targets, a column of an earlier scoring would keep its place, and their order is that of the targets.
  const earlier = [column].filter((name) => batch.computed.has(name));
  const stale = targets.length === 1 ? [] : [...names, ...earlier];
  for (const name of new Set([...names, ...stale])) noteReplaced(batch, name, 'column: …', context);
  if (keep_features) for (const name of batch.temporary ?? []) noteFeatures(batch, name, context);
  return targets.reduce(
    (out, { name }, i) => {
      const data = makeData({ type: new Float64(), data: found[i]!, nullCount: 0 });
      const metadata = new Map(name === undefined ? [] : [[targetKey, name]]);
      if (column !== distanceColumn) metadata.set(nameKey, column);
      return withColumn(out, names[i]!, data, { metadata });
    },
    withoutColumns(batch, stale),
  );
}

/** Features that are kept take the place of features that the pool has; otherwise these come back. */
function noteFeatures(batch: Batch, name: string, context: Context): void {
  if (context.sourceColumns?.has(name) && featureColumns(batch.columns).includes(name))
    context.note(
      `the pool's own column "${name}" is replaced by the features that are kept; without keep_features it stays`,
    );
}

/** Undefined where only the profiles will tell how many targets there are. */
function previewDistances(
  input: readonly Batch[],
  settings: Options,
  context: Context,
  sides: KnownSides,
): readonly Batch[] | undefined {
  const profile = knownProfile(sides.get('profile') ?? []);
  if (!profile) return undefined;
  return input.map((batch) => {
    const scored = scoreBatch(batch, profile, () => undefined, settings, context);
    return settings.keep_features ? scored : withoutColumns(scored, featureColumns(scored.columns));
  });
}
