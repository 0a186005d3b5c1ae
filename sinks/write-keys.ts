import { Readable } from 'node:stream';
import { z } from 'zod';
import { defineSink, path } from '../pipeline/component.js';
import { keysText } from '../transforms/backbone/deactivation.js';
import { collectNeurons } from '../transforms/neuron-rows.js';
import { stageFiles } from './stage-files.js';

const options = z.strictObject({
  path: path().describe('The output; an earlier one is replaced when the run has succeeded'),
});

/** Sink: neurons by layer as JSON, `{"0": [12, 7], "1": [3]}`, in the order in which they came. */
export const writeKeys = defineSink({
  name: 'write.keys',
  summary: 'Write chosen neurons as JSON: what deactivate and read.keys take',
  options,
  example: `
    - {use: read.jsonl, with: {path: target.jsonl}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 10}}
    - {use: neurons, with: {method: random, seed: 7}}
    - {use: write.keys, with: {path: out/random-keys.json}}`,
  needs: () => ({ columns: ['layer', 'neuron'] }),
  preview: async (input) => {
    await collectNeurons(Readable.from(input));
    return undefined;
  },
  async run(input, settings) {
    const { keys, rows } = await collectNeurons(input);
    return { rows, ...(await stageFiles([{ path: settings.path, content: keysText(keys) }])) };
  },
});
