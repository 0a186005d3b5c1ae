import { z } from 'zod';
import { keepRows } from '../pipeline/batch.js';
import { defineSource, path } from '../pipeline/component.js';
import { readKeys } from './backbone/deactivation.js';
import { neuronBatch } from './neuron-rows.js';

const options = z.strictObject({
  path: path().describe('A file of keys: {"0": [12, 7], "1": [3]}, as write.keys makes it'),
});

/** Source: the keys of neurons, a row each. */
export const readKeysSource = defineSource({
  name: 'read.keys',
  summary: 'Read the keys of neurons, as write.keys makes them, a row each',
  options,
  example: `
    - {use: read.keys, with: {path: out/keys.json}}
    - {use: write.model, with: {model: models/Qwen3-0.6B-Base, path: out/deactivated}}`,
  open: async (settings, _context, firstOrdinal) => {
    const layers = Object.entries(await readKeys(settings.path));
    const rows = {
      layer: Int32Array.from(layers.flatMap(([layer, neurons]) => neurons.map(() => Number(layer)))),
      neuron: Int32Array.from(layers.flatMap(([, neurons]) => neurons)),
    };
    const batch = { ...neuronBatch(rows, settings.path, firstOrdinal), computed: new Set<string>() };
    return {
      schema: batch.columns.schema,
      roles: {},
      bundles: [batch.bundle],
      rows: batch.rows.length,
      read: async function* (_bundle, _needs, how) {
        yield how?.only ? keepRows(batch, how.only) : batch;
      },
      close: async () => undefined,
    };
  },
});
