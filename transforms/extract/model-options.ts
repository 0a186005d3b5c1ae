import { z } from 'zod';
import { path } from '../../pipeline/component.js';
import { kindOf, precisionFault } from '../backbone/session-device.js';
import { floatPrecisions, type Precision, precisions } from '../backbone/types.js';
import { modelPath } from '../model.js';

/** Options of stages that can also run a model with weights of 8 bits. */
export const precisionOptions = {
  precision: z
    .enum(precisions)
    .default('float32')
    .describe(
      'What matrices are multiplied in; float16 (cuda, webgpu) and bfloat16 (cuda) are faster on GPUs and a little less exact; int8 (cpu) takes a quarter of the memory, and is faster where the processor has dot products of int8: weights are quantized once, and the first documents are computed in float32 too, to tell how far both agree',
    ),
  min_agreement: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('int8: the run stops where it shares less of the top neurons with float32'),
};

/** Options of the stages that run a model; their schema must be checked by `checkDevices`. */
export const modelOptions = {
  model: modelPath().describe(
    'A HuggingFace model folder (config.json, model.safetensors or shards with their index), or owner/name@revision on the hub',
  ),
  device: z
    .string()
    .regex(/^(auto|cpu|webgpu|cuda(:\d+)?)$/, 'auto, cpu, cuda, cuda:N or webgpu')
    .optional()
    .describe(
      'Where the model runs: auto, cpu, cuda, cuda:N or webgpu; auto, the default, takes CUDA where it opens, otherwise the CPU',
    ),
  devices: z
    .array(z.string().regex(/^(cpu|webgpu|cuda(:\d+)?)$/, 'cpu, cuda, cuda:N or webgpu'))
    .min(1)
    .optional()
    .describe(
      'Instead of device: several of one kind, each with the whole model, such as [cuda:0, cuda:1]; batches go to whichever is free',
    ),
  precision: z
    .enum(floatPrecisions)
    .default('float32')
    .describe(
      'What matrices are multiplied in; float16 (cuda, webgpu) and bfloat16 (cuda) are faster on GPUs and a little less exact',
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
  threads: z
    .int()
    .min(1)
    .optional()
    .describe('Threads of the model on the CPU, of each one with several; by default one a core'),
};

/** The options that say where a model runs. */
export interface DeviceOptions {
  readonly device?: string | undefined;
  readonly devices?: readonly string[] | undefined;
  readonly precision: Precision;
}

/** The devices that options name, at least one. int8 is for the CPU, whatever else there is. */
export function devicesOf({
  device = 'auto',
  devices,
  precision,
}: DeviceOptions): readonly [string, ...string[]] {
  const alone = device === 'auto' && precision === 'int8' ? 'cpu' : device;
  const [first = alone, ...others] = devices ?? [];
  return [first, ...others];
}

/** For a schema's `superRefine`: whether what its options say of devices goes together. */
export function checkDevices(settings: DeviceOptions, context: z.RefinementCtx): void {
  const fault = deviceFault(settings);
  if (fault !== undefined) context.addIssue({ code: 'custom', ...fault });
}

function deviceFault({ device, devices, precision }: DeviceOptions) {
  if (device !== undefined && devices !== undefined)
    return { message: 'give either device or devices, not both', path: ['devices'] };
  const named = devicesOf({ device, devices, precision });
  const kinds = [...new Set(named.map(kindOf))];
  const [kind = 'auto'] = kinds;
  if (kinds.length > 1)
    return {
      message: `expected devices of one kind, whose results are alike, found ${kinds.join(' and ')}`,
      path: ['devices'],
    };
  const cards = named.map((name) => (name === 'cuda' ? 'cuda:0' : name));
  const twice = kind === 'cpu' ? undefined : cards.find((name, i) => cards.indexOf(name) < i);
  if (twice !== undefined) return { message: `${twice} is named twice`, path: ['devices'] };
  const fault = kind === 'auto' ? undefined : precisionFault(precision, kind);
  return fault === undefined ? undefined : { message: fault, path: ['precision'] };
}
