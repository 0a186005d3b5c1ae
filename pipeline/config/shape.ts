import { z } from 'zod';
import { paramSchema } from './params.js';

const reference = z.union([z.string(), z.array(z.string()).min(1)]);

/** One entry of `stages` or of a template: a component, or the name of a template. */
export const stageSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[\p{L}_][\p{L}\p{N}_.-]*$/u)
    .optional(),
  use: z.string().optional(),
  template: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  from: z.union([reference, z.record(z.string(), reference)]).optional(),
});

/** The whole file. `temp_dir` is where stages spill; by default the system's. */
export const configSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).optional(),
  description: z.string().optional(),
  temp_dir: z.string().min(1).optional(),
  params: z.record(z.string(), paramSchema).default({}),
  templates: z.record(z.string(), z.array(stageSchema).min(1)).default({}),
  plugins: z.array(z.string().min(1)).default([]),
  stages: z.array(stageSchema).min(1),
});

export type StageEntry = z.infer<typeof stageSchema>;
export type ConfigShape = z.infer<typeof configSchema>;
