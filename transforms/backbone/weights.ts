import type { Architecture } from './types.js';

/** A tensor that the arithmetic needs. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The token embedding, [vocabulary, hidden]. */
export const embeddingName = 'model.embed_tokens.weight';

/** The norm after the last layer; its weight is [hidden]. */
export const finalNorm = 'model.norm';

/** A head that is not the embedding, [vocabulary, hidden]. */
export const ownHeadName = 'lm_head.weight';

/** The matrix that logits are made with, [vocabulary, hidden]: the embedding's own where the head is tied to it. */
export function headName({ tiedHead }: Architecture): string {
  return tiedHead ? embeddingName : ownHeadName;
}

/** The prefix of a layer's tensors. */
export function layerPrefix(layer: number): string {
  return `model.layers.${layer}.`;
}

/** The weight whose rows are the neurons that can be deactivated, [intermediate, hidden]. */
export function upWeight(layer: number): string {
  return `${layerPrefix(layer)}mlp.up_proj.weight`;
}

/** Every tensor that any impact can depend on: the embedding and all layers, but no final norm and no head. */
export function bodyWeights(architecture: Architecture): WeightSpec[] {
  const { vocabulary, hidden, layers } = architecture;
  const perLayer = Array.from({ length: layers }, (_, layer) => layerWeights(architecture, layer));
  return [{ name: embeddingName, shape: [vocabulary, hidden] }, ...perLayer.flat()];
}

/** The matrices of all linear layers, [outputs, inputs]. */
export function linearWeights(architecture: Architecture): WeightSpec[] {
  return bodyWeights(architecture).filter(({ name, shape }) => shape.length === 2 && name !== embeddingName);
}

/** Every tensor that a probability can depend on: those of the body, the final norm and the head. */
export function allWeights(architecture: Architecture): WeightSpec[] {
  const { vocabulary, hidden, tiedHead } = architecture;
  const head = tiedHead ? [] : [{ name: headName(architecture), shape: [vocabulary, hidden] }];
  return [...bodyWeights(architecture), { name: `${finalNorm}.weight`, shape: [hidden] }, ...head];
}

function layerWeights(architecture: Architecture, layer: number): WeightSpec[] {
  const { hidden, intermediate, headDim, headNorm, attentionBias, mlpBias } = architecture;
  const queries = architecture.heads * headDim;
  const keys = architecture.kvHeads * headDim;
  const linear = (name: string, outputs: number, inputs: number, bias: boolean): WeightSpec[] => [
    { name: `${name}.weight`, shape: [outputs, inputs] },
    ...(bias ? [{ name: `${name}.bias`, shape: [outputs] }] : []),
  ];
  const vector = (name: string, length: number): WeightSpec => ({ name: `${name}.weight`, shape: [length] });
  const specs = [
    vector('input_layernorm', hidden),
    ...linear('self_attn.q_proj', queries, hidden, attentionBias),
    ...linear('self_attn.k_proj', keys, hidden, attentionBias),
    ...linear('self_attn.v_proj', keys, hidden, attentionBias),
    ...(headNorm ? [vector('self_attn.q_norm', headDim), vector('self_attn.k_norm', headDim)] : []),
    ...linear('self_attn.o_proj', hidden, queries, attentionBias),
    vector('post_attention_layernorm', hidden),
    ...linear('mlp.gate_proj', intermediate, hidden, mlpBias),
    ...linear('mlp.up_proj', intermediate, hidden, mlpBias),
    ...linear('mlp.down_proj', hidden, intermediate, mlpBias),
  ];
  return specs.map(({ name, shape }) => ({ name: layerPrefix(layer) + name, shape }));
}
