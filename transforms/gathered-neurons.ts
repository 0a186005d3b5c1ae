import { z } from 'zod';
import type { Batch } from '../pipeline/batch.js';
import { defineCombine } from '../pipeline/component.js';
import type { Deactivation } from './backbone/types.js';
import { collectNeurons, neuronColumns } from './neuron-rows.js';

/** Combine: rows of neurons as the keys of a deactivated model, the side input of stages that run one. */
export const gatheredNeurons = defineCombine<z.ZodUnknown, readonly Batch[], Deactivation>({
  name: 'gathered neurons',
  summary: 'Neurons that are switched off',
  options: z.unknown(),
  yields: 'value',
  example: '',
  preview: (input) => input,
  needs: () => ({ columns: [neuronColumns.layer, neuronColumns.neuron] }),
  start: async () => ({
    create: () => [],
    add: (batches, batch) => [...batches, batch],
    merge: (a, b) => [...a, ...b],
    extract: async (batches) => (await collectNeurons(each(batches))).keys,
  }),
});

async function* each(batches: readonly Batch[]): AsyncGenerator<Batch> {
  yield* batches;
}
