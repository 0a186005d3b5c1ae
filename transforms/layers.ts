import { z } from 'zod';
import { type Batch, withColumn } from '../pipeline/batch.js';
import { defineTransform } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { neuronTypes } from './backbone/types.js';
import {
  type FeatureInfo,
  featureColumns,
  featureData,
  featureMetadata,
  featureNeeds,
  featuresRemedy,
  findFeatures,
  type LayerSubset,
} from './columns.js';
import { keepLayers } from './nag/keep-layers.js';

const options = z.strictObject({
  keep: z
    .union([z.enum(['first', 'last']), z.array(z.int().min(0)).min(1)])
    .describe('first, last, or a list of layers, counted from 0; they stay in the order of the model'),
});

type Keep = z.output<typeof options>['keep'];

/** Transform: keeps some layers of every feature column (NAG.md §7). Target and pool both pass through one. */
export const layers = defineTransform({
  name: 'layers',
  summary: 'Keep some layers of the features: the first, the last, or a list',
  options,
  example: `
    - {use: read.features, with: {path: "features/target/*.jsonl", layers: 28}}
    - {use: layers, with: {keep: last}}
    - {id: target, use: profile}
    - {use: read.features, with: {path: "features/pool/*.jsonl", layers: 28}}
    - {use: layers, with: {keep: last}}
    - {use: score, from: {profile: target}}
    - {use: write.jsonl, with: {path: out/scored.jsonl}}`,
  chain: { takes: 'features', makes: 'features', after: 'impacts', fromFiles: true, remedy: featuresRemedy },
  preview: (input, { keep }, { stage }) => input.map((batch) => keepOf(batch, keep, stage)),
  needs: () => ({ columns: featureNeeds() }),
  mayDrop: () => false,
  async *run(input, { keep }, { stage }) {
    for await (const batch of input) yield keepOf(batch, keep, stage);
  },
});

function keepOf(batch: Batch, keep: Keep, stage: string): Batch {
  const names = featureColumns(batch.columns);
  const types = neuronTypes.filter((type) => names.includes(`${type}_feature`));
  if (types.length === 0) findFeatures(batch.columns, undefined);
  return types.reduce((out, type) => {
    const { name, info, values } = findFeatures(batch.columns, type);
    const kept = resolveLayers(keep, info.layers, stage);
    const own = { ...info, layers: kept.length, subset: subsetOf(kept, info) };
    const indices = keepLayers(values, batch.rows.length, info.layers, info.k, kept);
    return withColumn(out, name, featureData(indices, batch.rows.length, own), {
      nullable: false,
      metadata: featureMetadata(own),
    });
  }, batch);
}

/** Layers to keep of so many, ascending, each once. */
function resolveLayers(keep: Keep, layers: number, stage: string): number[] {
  if (keep === 'first') return [0];
  if (keep === 'last') return [layers - 1];
  const kept = [...new Set(keep)].sort((a, b) => a - b);
  const outside = kept.filter((layer) => layer >= layers);
  if (outside.length > 0)
    throw new NagError(
      `${stage}: there is no layer ${outside.join(', ')}; the features have ${layers}, counted 0 to ${layers - 1}`,
    );
  return kept;
}

/** In terms of the model's layers, also where some had been left out before. */
function subsetOf(kept: readonly number[], { layers, subset }: FeatureInfo): LayerSubset | undefined {
  if (kept.length === layers) return subset;
  return { kept: kept.map((layer) => subset?.kept[layer] ?? layer), of: subset?.of ?? layers };
}
