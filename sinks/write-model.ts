import { basename, isAbsolute } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { defineSink, path } from '../pipeline/component.js';
import { stageOutput } from '../pipeline/publication/staging.js';
import { openCheckpoint } from '../transforms/backbone/checkpoint.js';
import { foreignEntry, writeDeactivatedModel } from '../transforms/backbone/deactivated-model.js';
import { isOnHub, modelPath, openModelFolder } from '../transforms/model.js';
import { collectNeurons } from '../transforms/neuron-rows.js';
import { writeFailure } from './write-failure.js';

const options = z.strictObject({
  model: modelPath().describe('The model to copy: a HuggingFace folder, or owner/name@revision on the hub'),
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
  fileNames: () => ['config.json', 'model.safetensors', 'tokenizer.json'],
  foreign: foreignEntry,
  needs: () => ({ columns: ['layer', 'neuron'] }),
  preview: async (input, { model }) => {
    await collectNeurons(Readable.from(input));
    if (!isOnHub(model)) await openCheckpoint(model);
    return undefined;
  },
  async run(input, settings, context) {
    const checkpoint = await openCheckpoint(await openModelFolder(settings.model, 'weights', context));
    await openModelFolder(settings.model, 'tokenizer', context);
    const { keys, rows } = await collectNeurons(input);
    const fill = async (temporary: string) => {
      const { link } = settings;
      const name = isAbsolute(settings.model) ? basename(settings.model) : settings.model;
      const { signal } = context;
      const left = await writeDeactivatedModel(checkpoint, keys, temporary, { link, name, signal });
      if (left.length > 0) context.note(`not copied from ${settings.model}: ${left.join(', ')}`);
      return { temporary, rows, files: [settings.path] };
    };
    return await stageOutput(settings.path, fill, foreignEntry).catch((error: unknown) => {
      throw writeFailure(error, settings.path);
    });
  },
});
