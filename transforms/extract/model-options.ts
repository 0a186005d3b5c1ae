import { z } from 'zod';
import { path } from '../../pipeline/component.js';
import { modelPath } from '../model.js';

/** Options of stages that can run a model in less than float32. */
export const precisionOptions = {
  precision: z
    .enum(['float32', 'int8'])
    .default('float32')
    .describe(
      'What linear layers compute with. int8: on the CPU; weights are quantized once, and the first documents are computed in float32 too, to tell how far both agree',
    ),
  min_agreement: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('int8: the run stops where it shares less of the top neurons with float32'),
};

/** Options of the stages that run a model. */
export const modelOptions = {
  model: modelPath().describe(
    'A HuggingFace model folder (config.json, model.safetensors or shards with their index), or owner/name@revision on the hub',
  ),
  device: z
    .string()
    .regex(/^(auto|cpu|webgpu|cuda(:\d+)?)$/, 'auto, cpu, cuda, cuda:N or webgpu')
    .default('auto')
    .describe(
      'Where the model runs: auto, cpu, cuda, cuda:N or webgpu; auto takes CUDA where it opens, otherwise the CPU',
    ),
  batch_tokens: z.int().min(1).default(2048).describe('Tokens in one call of the model, padding included'),
  window: z
    .int()
    .min(1)
    .default(4096)
    .describe('Documents that are sorted by length together before they are batched'),
  deactivate: path()
    .optional()
    .describe('Keys of neurons that are switched off, as write.keys makes them: {"0": [12, 7], "1": [3]}'),
  threads: z.int().min(1).optional().describe('Threads of the model on the CPU; by default one a core'),
};
