import { DataType } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, withColumn, withoutColumns } from '../pipeline/batch.js';
import { defineTransform } from '../pipeline/component.js';
import { NagError } from '../pipeline/errors.js';
import type { NeuronType } from './backbone/types.js';
import { featureColumn, featureData, featureInfo, featureMetadata } from './columns.js';
import { largest } from './nag/largest.js';

/** How many neurons a layer are kept: a number, or a share of the layer's width. */
export const topOptions = z
  .strictObject({
    k: z.int().min(1).optional().describe('Neurons kept a layer (20 where neither is given)'),
    ratio: z
      .number()
      .positive()
      .max(1)
      .optional()
      .describe('Instead of k: share of the width of the layer, at least one neuron'),
  })
  .refine(({ k, ratio }) => k === undefined || ratio === undefined, {
    message: 'give either k or ratio, not both',
  });

export type KeepTop = z.output<typeof topOptions>;

const defaultK = 20;

/** Throws where more neurons are asked for than a layer has. */
export function requireWidth(
  { k }: { readonly k?: number | undefined },
  { neurons, width }: { readonly neurons: NeuronType; readonly width: number },
): void {
  if (k !== undefined && k > width)
    throw new NagError(`k: ${k}, but a layer has ${width} neurons (${neurons}): set a smaller k, or a ratio`);
}

/** Neurons kept of a layer: `min(k, width)`, or `round(ratio · width)` but at least 1. */
export function resolveK(top: KeepTop, width: number): number {
  return top.ratio === undefined
    ? Math.min(top.k ?? defaultK, width)
    : Math.max(1, Math.round(top.ratio * width));
}

/** Transform: the indices of the K largest impacts a layer (NAG.md §2). After `extract` it runs inside the model. */
export const topK = defineTransform({
  name: 'top_k',
  summary: 'Keep the K neurons of each layer with the largest impact: the NAG of a document',
  options: topOptions,
  example: `
    - {use: read.jsonl, with: {path: "docs/*.jsonl"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {ratio: 0.003}}
    - {use: write.parquet, with: {path: out/features.parquet}}`,
  chain: { takes: 'impacts', makes: 'features', remedy: 'put extract before top_k' },
  preview: (input, top) => input.map((batch) => keepTop(batch, top)),
  needs: () => ({}),
  mayDrop: () => false,
  async *run(input, top) {
    for await (const batch of input) yield keepTop(batch, top);
  },
});

function keepTop(batch: Batch, top: KeepTop): Batch {
  const fields = batch.columns.schema.fields.filter(
    (field) =>
      field.name.endsWith('_impact') &&
      DataType.isFixedSizeList(field.type) &&
      field.metadata.has('nag.neurons'),
  );
  if (fields.length === 0) throw new NagError('there are no impacts: put extract before top_k');
  return fields.reduce((out, field) => {
    const impacts = featureInfo(field);
    requireWidth(top, impacts);
    const info = { ...impacts, k: resolveK(top, impacts.width) };
    const data = batch.columns.getChild(field.name)!.data[0]!;
    const values = data.children[0]!.values as Float32Array;
    const indices = largest(values, batch.rows.length * info.layers, info.width, info.k);
    const added = withColumn(
      out,
      featureColumn(info.neurons),
      featureData(indices, batch.rows.length, info),
      { metadata: featureMetadata(info), temporary: true },
    );
    return withoutColumns(added, [field.name]);
  }, batch);
}
