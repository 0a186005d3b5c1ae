import { z } from 'zod';
import type { Batch } from '../pipeline/batch.js';
import { type Combine, type CombineContext, defineCombine } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import { neuronTypes } from './backbone/types.js';
import { featureColumn, featureMetadata, impactColumn } from './columns.js';
import { drawNeurons } from './nag/draw.js';
import { meansOf } from './nag/exact-sums.js';
import { largest } from './nag/largest.js';
import { type NeuronRows, neuronBatch } from './neuron-rows.js';
import { addToTally, lookedAt, mergeTallies, methods, type Tally } from './neurons/tally.js';
import { requireComparable } from './same-features.js';

const options = z.strictObject({
  method: z
    .enum(methods)
    .default('frequency')
    .describe(
      'frequency: most often in the NAGs; high_mean: largest mean impact; high_delta: mean impact furthest above that of the side input contrast; random: as many, drawn for each layer',
    ),
  k: z
    .int()
    .min(1)
    .optional()
    .describe('Neurons of each layer; by default as many as the NAGs have, of impacts 20'),
  seed: z.int().min(0).max(4294967295).default(42).describe('Of the random draw'),
  feature: z.enum(neuronTypes).optional().describe('Neuron type, where several were extracted'),
});

type Options = z.output<typeof options>;

/** The columns that a method looks at. */
function measured(feature: Options['feature'], method: Options['method']): string[] {
  const types = feature === undefined ? neuronTypes : [feature];
  return types.map(method === 'high_mean' || method === 'high_delta' ? impactColumn : featureColumn);
}

/** Combine: what the documents of the contrast tell, for `high_delta`. */
const contrast: Combine = defineCombine<typeof options, Tally | undefined, Tally>({
  name: 'neurons.contrast',
  summary: 'Mean impacts of the documents that a target is compared with',
  options,
  yields: 'value',
  example: '',
  preview: (input) => input,
  needs: ({ feature, method }) => ({ columns: measured(feature, method) }),
  start: async ({ method, feature }, context) => {
    if (method !== 'high_delta')
      throw new NagError(`${context.stage}: a contrast is for method: high_delta; remove it from "from"`);
    return {
      create: () => undefined,
      add: (tally, batch) => addToTally(tally, batch, method, feature),
      merge: mergeTallies,
      extract: (tally) => requireSome(tally, context),
    };
  },
});

/** Combine: the neurons that matter to a target, as rows (NAG.md §8): what `write.keys` and `write.model` take. */
export const neurons = defineCombine<typeof options, Tally | undefined, AsyncIterable<Batch>>({
  name: 'neurons',
  summary: "Choose a target's neurons: by frequency in its NAGs, by mean impact, or at random",
  options,
  yields: 'rows',
  optionalSides: ['contrast'],
  gathers: { contrast },
  example: `
    - {use: read.jsonl, with: {path: target.jsonl}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {use: neurons, with: {method: frequency}}
    - {use: write.keys, with: {path: out/keys.json}}`,
  needs: ({ feature, method }) => ({ columns: measured(feature, method) }),
  preview: (input, settings, { stage }, sides) => {
    const { method, feature } = settings;
    requireContrast(method, sides.has('contrast'), stage);
    const [first, ...others] = [...input, ...(sides.get('contrast')?.[0] ?? [])].map((batch) =>
      lookedAt(batch, method, feature),
    );
    for (const { found } of others) requireComparable(first!.found.info, found.info, 'the others');
    const { info } = first!.found;
    const nothing = { layer: new Int32Array(0), neuron: new Int32Array(0) };
    const score = method === 'random' ? undefined : new Float64Array(0);
    const metadata = featureMetadata({ ...info, k: Math.min(settings.k ?? first!.k, info.width) });
    return [neuronBatch({ ...nothing, score }, stage, 0, metadata)];
  },
  start: async (settings, context, sides) => {
    const { method, feature } = settings;
    const other = sides.get('contrast') as Tally | undefined;
    requireContrast(method, other !== undefined, context.stage);
    return {
      create: () => undefined,
      add: (tally, batch) => addToTally(tally, batch, method, feature),
      merge: mergeTallies,
      extract: (tally) => rows(requireSome(tally, context), other, settings, context),
    };
  },
});

function requireContrast(method: Options['method'], isThere: boolean, stage: string): void {
  if (method === 'high_delta' && !isThere)
    throw new NagError(
      `${stage}: high_delta compares with other documents; name them: from: {main: target, contrast: others}`,
    );
}

function requireSome(tally: Tally | undefined, context: CombineContext): Tally {
  if (!tally)
    throw new NagError(`${context.stage}: no document reached it: check the source's path and where`);
  context.count('documents', tally.documents);
  return tally;
}

async function* rows(
  target: Tally,
  other: Tally | undefined,
  settings: Options,
  context: CombineContext,
): AsyncGenerator<Batch> {
  if (other) requireComparable(target.info, other.info, 'the contrast');
  const { layers, width } = target.info;
  const k = Math.min(settings.k ?? target.k, width);
  const chosen = choose(target, other, k, settings);
  if (chosen.layer.length < layers * k)
    context.note(`some layers have fewer than ${k} neurons that are in any NAG: only these were taken`);
  yield neuronBatch(chosen, context.stage, 0, featureMetadata({ ...target.info, k }));
}

function choose(
  { info, counts, sums }: Tally,
  other: Tally | undefined,
  k: number,
  { seed }: Options,
): NeuronRows {
  const { layers, width } = info;
  const layerOf = (i: number) => Math.floor(i / k);
  const scores = counts?.counts ?? (sums && difference(meansOf(sums), other?.sums && meansOf(other.sums)));
  if (!scores) {
    const neuron = drawNeurons(seed, layers, width, k);
    return { layer: neuron.map((_, i) => layerOf(i)), neuron };
  }
  const best = largest(scores, layers, width, k);
  const scoreAt = (i: number) => scores[layerOf(i) * width + best[i]!]!;
  // A neuron that is in no NAG is not a frequent one, however many are asked for.
  const places = Int32Array.from(best.keys()).filter((i) => !counts || scoreAt(i) > 0);
  return {
    layer: places.map(layerOf),
    neuron: places.map((i) => best[i]!),
    score: Float64Array.from(places, scoreAt),
  };
}

function difference(means: Float64Array, others: Float64Array | undefined): Float64Array {
  return others ? means.map((mean, i) => mean - others[i]!) : means;
}
