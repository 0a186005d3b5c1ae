import { widthOf } from '../backbone/architecture.js';
import { findArchitecture } from '../backbone/checkpoint.js';
import type { Architecture, NeuronType } from '../backbone/types.js';
import { type KeptNeurons, keptFault, keptText } from '../kept-neurons.js';
import { fetchRemark } from '../model.js';
import { type KeepTop, resolveK } from '../top-k.js';

/** What is known without the weights: K of each layer, where the model is a folder; otherwise whether it has to be fetched. */
export async function plannedNeurons({
  model,
  neurons,
  top,
}: {
  readonly model: string;
  readonly neurons: readonly NeuronType[];
  readonly top?: KeepTop;
}): Promise<string[]> {
  const architecture = await findArchitecture(model);
  if (!architecture) return await fetchRemark(model);
  if (!top) return [];
  const kept = keptOf(top, neurons, architecture);
  return [
    `K of a layer: ${kept.map(keptText).join(', ')}`,
    ...kept.flatMap((own) => keptFault(own) ?? []).map((fault) => `note: ${fault}`),
  ];
}

/** K of each neuron type. */
export function keptOf(
  top: KeepTop,
  neurons: readonly NeuronType[],
  architecture: Architecture,
): KeptNeurons[] {
  return neurons.map((type) => {
    const width = widthOf(architecture, type);
    return { neurons: type, k: resolveK(top, width), width };
  });
}
