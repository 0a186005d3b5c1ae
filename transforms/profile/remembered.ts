import { z } from 'zod';
import type { Memory } from '../../pipeline/component.js';
import { neuronTypes } from '../backbone/types.js';
import type { Profile } from '../profile.js';

/** A profile, and the power of its counts. */
export type RememberedProfile = Profile & { readonly power: number };

/** What lies under `targets`; beside it are each target's weights, under `weights 0` and so on. */
const shape = z.object({
  info: z.object({
    neurons: z.enum(neuronTypes),
    layers: z.number(),
    k: z.number(),
    width: z.number(),
    subset: z.object({ kept: z.array(z.number()), of: z.number() }).optional(),
    model: z.string(),
    tokenizer: z.string(),
    maxLength: z.number(),
    precision: z.string().optional(),
  }),
  power: z.number(),
  targets: z.array(z.object({ name: z.string().optional(), documents: z.number() })),
});

export async function rememberProfile(
  { info, power, targets }: RememberedProfile,
  memory: Memory,
): Promise<void> {
  const own = { info, power, targets: targets.map(({ name, documents }) => ({ name, documents })) };
  await memory.remember('targets', Buffer.from(JSON.stringify(own)));
  for (const [i, { weights }] of targets.entries())
    await memory.remember(
      `weights ${i}`,
      Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength),
    );
}

/** Undefined also where a part of it is missing. */
export async function recallProfile(memory: Memory): Promise<RememberedProfile | undefined> {
  const bytes = await memory.recall('targets');
  const own = bytes && shape.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  if (!own) return undefined;
  const size = own.info.layers * own.info.width * Float64Array.BYTES_PER_ELEMENT;
  const targets: Profile['targets'][number][] = [];
  for (const [i, target] of own.targets.entries()) {
    const weights = await memory.recall(`weights ${i}`);
    if (weights?.length !== size) return undefined;
    targets.push({
      name: target.name,
      documents: target.documents,
      weights: new Float64Array(weights.buffer, weights.byteOffset, size / Float64Array.BYTES_PER_ELEMENT),
    });
  }
  return { ...own, targets };
}
