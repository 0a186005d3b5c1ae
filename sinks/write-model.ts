import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defineSink, path } from '../pipeline/component.js';
import { makeStagingFolder, publish } from '../pipeline/publish.js';
import { openCheckpoint } from '../transforms/backbone/checkpoint.js';
import { foreignEntry, writeDeactivatedModel } from '../transforms/backbone/deactivated-model.js';
import { collectNeurons } from '../transforms/neuron-rows.js';
import { writeFailure } from './write-failure.js';

const options = z.strictObject({
  model: path().describe('The HuggingFace model folder to copy'),
  path: path().describe(
    'The new folder; an earlier one of this stage is replaced when the run has succeeded',
  ),
  link: z
    .boolean()
    .default(true)
    .describe(
      "Weight files without any of the neurons become hard links to the model's own, where the disk allows: never change them in place",
    ),
});

/** Sink: a model in which the neurons that come in are deactivated (NAG.md §8). */
export const writeModel = defineSink({
  name: 'write.model',
  summary: 'Write a copy of a model in which chosen neurons have weights of zero',
  options,
  example: `
    - {use: read.keys, with: {path: out/keys.json}}
    - {use: write.model, with: {model: models/Qwen3-0.6B-Base, path: out/deactivated}}`,
  needs: () => ({ columns: ['layer', 'neuron'] }),
  async run(input, settings, context) {
    const checkpoint = await openCheckpoint(settings.model);
    const { keys, rows } = await collectNeurons(input);
    const staging = await makeStagingFolder(settings.path, foreignEntry);
    const temporary = join(staging, 'model');
    const discard = () => rm(staging, { recursive: true, force: true });
    try {
      await mkdir(temporary);
      const { link } = settings;
      const left = await writeDeactivatedModel(checkpoint, keys, temporary, { link, signal: context.signal });
      if (left.length > 0) context.note(`not copied from ${settings.model}: ${left.join(', ')}`);
    } catch (error) {
      await discard();
      throw writeFailure(error, settings.path);
    }
    return {
      rows,
      files: [settings.path],
      publish: async () => {
        await publish(temporary, settings.path, foreignEntry);
        await discard();
      },
      discard,
    };
  },
});
