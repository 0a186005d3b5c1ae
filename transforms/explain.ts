import { type Data, Field, FixedSizeList, Float64, Int32, List, makeData, Struct } from 'apache-arrow';
import { z } from 'zod';
import { isText, textReader } from '../pipeline/arrow/text.js';
import { type Batch, findColumn, placeOf, withColumn, withoutColumns } from '../pipeline/batch.js';
import { type Context, defineTransform, type SideValues } from '../pipeline/component.js';
import { DataError, NagError } from '../pipeline/errors.js';
import { neuronTypes } from './backbone/types.js';
import { featureColumns, featureNeeds, findFeatures } from './columns.js';
import { type Reasons, reasons } from './nag/reasons.js';
import { columnName, noteReplaced } from './own-column.js';
import { joinProfiles } from './profile/join.js';
import { knownProfile } from './profile/known.js';
import type { Profile } from './profile.js';
import { requireComparable } from './same-features.js';

const options = z.strictObject({
  top: z.int().min(1).default(10).describe('Neurons told for each document, at most'),
  feature: z.enum(neuronTypes).optional().describe('Neuron type, where several were extracted'),
  keep_features: z
    .boolean()
    .default(false)
    .describe('Keep the feature columns instead of removing them after use'),
  target: columnName('target').describe("With several targets: the column that says which is a row's"),
  columns: z
    .strictObject({
      // list<struct<layer, neuron, weight>>
      reasons: columnName('nag_reasons').describe('Column of the neurons that add most to the similarity'),
      // [layers], which sum to 1 − nag_distance
      layers: columnName('nag_layers').describe('Column of what each layer adds to the similarity'),
    })
    .prefault({})
    .describe("Names of the stage's own columns: {reasons, layers}"),
});

/**
 * Transform: says which layers and neurons brought a document near to its target (the terms of NAG.md §3's sum). The
 * side `background`, a profile of the pool or of a sample of it, puts those first that are not as usual there.
 */
export const explain = defineTransform({
  name: 'explain',
  summary: 'Tell which neurons and layers a document has in common with the target',
  options,
  sides: ['profile'],
  severalSides: ['profile'],
  optionalSides: ['background'],
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
    - {use: score, from: {profile: target}, with: {keep_features: true}}
    - {use: rank, with: {fraction: 0.2}}
    - {use: explain, from: {profile: target}}
    - {use: write.parquet, with: {path: out/explained.parquet}}`,
  needs: ({ target }) => ({ columns: [target, ...featureNeeds()] }),
  mayDrop: () => false,
  preview: (input, settings, context, sides) => {
    const profile = knownProfile(sides.get('profile') ?? []);
    if (!profile) return undefined;
    const usual = sides.has('background') ? knownProfile(sides.get('background')!) : undefined;
    const background = backgroundOf(usual, profile);
    return input.map((batch) => explained(batch, profile, background, settings, context));
  },
  async *run(input, settings, context, sides) {
    const profile = joinProfiles(sides.get('profile') as SideValues<Profile>);
    const background = backgroundOf(sides.get('background') as Profile | undefined, profile);
    for await (const batch of input) yield explained(batch, profile, background, settings, context);
  },
});

function explained(
  batch: Batch,
  profile: Profile,
  background: Float64Array | undefined,
  { top, feature, keep_features, target, columns }: z.output<typeof options>,
  context: Context,
): Batch {
  const { info, values } = findFeatures(batch.columns, feature ?? profile.info.neurons);
  requireComparable(profile.info, info, "the target's profile");
  const shape = { rows: batch.rows.length, layers: info.layers, k: info.k, width: info.width };
  const found = reasons(values, shape, weightsReader(batch, profile, target), top, background);
  for (const [key, name] of Object.entries(columns))
    noteReplaced(batch, name, `columns: {${key}: …}`, context);
  const told = withColumn(batch, columns.reasons, reasonsData(found, shape.rows));
  const both = withColumn(told, columns.layers, layersData(found, shape.rows, info.layers));
  return keep_features ? both : withoutColumns(both, featureColumns(both.columns));
}

function backgroundOf(usual: Profile | undefined, profile: Profile): Float64Array | undefined {
  if (!usual) return undefined;
  requireComparable(profile.info, usual.info, 'the background');
  const [only, ...others] = usual.targets;
  if (others.length > 0)
    throw new NagError(
      `the background has several targets (${usual.targets.map(({ name }) => name).join(', ')}): make it without by`,
    );
  return only!.weights;
}

/** The profile that a row is compared with: the only one, or that of the row's target. */
function weightsReader(batch: Batch, { targets }: Profile, column: string): (row: number) => Float64Array {
  if (targets.length === 1) return () => targets[0]!.weights;
  const names = targets.map(({ name }) => name).join(', ');
  const vector = findColumn(batch.columns, column);
  if (!vector || !isText(vector.type))
    throw new NagError(
      `the profile has several targets (${names}), and there is no text column "${column}" that says which is a row's: put rank before explain, or label`,
    );
  const text = textReader(vector);
  const byName = new Map(targets.map(({ name, weights }) => [name, weights]));
  return (row) => {
    const weights = byName.get(text(row) ?? undefined);
    if (weights) return weights;
    throw new DataError(
      placeOf(batch, row, column),
      `expected one of the profile's targets (${names}), found ${JSON.stringify(text(row))}`,
    );
  };
}

function reasonsData({ offsets, layer, neuron, weight }: Reasons, rows: number): Data {
  const children = [
    makeData({ type: new Int32(), data: layer, nullCount: 0 }),
    makeData({ type: new Int32(), data: neuron, nullCount: 0 }),
    makeData({ type: new Float64(), data: weight, nullCount: 0 }),
  ];
  const type = new Struct(
    ['layer', 'neuron', 'weight'].map((name, i) => new Field(name, children[i]!.type, false)),
  );
  const child = makeData({ type, length: layer.length, nullCount: 0, children });
  const list = new List(new Field('item', type, false));
  return makeData({ type: list, length: rows, nullCount: 0, valueOffsets: offsets, child });
}

function layersData({ layerShares }: Reasons, rows: number, layers: number): Data {
  const child = makeData({ type: new Float64(), data: layerShares, nullCount: 0 });
  const type = new FixedSizeList(layers, new Field('item', new Float64(), false));
  return makeData({ type, length: rows, nullCount: 0, child });
}
