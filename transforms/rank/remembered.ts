import { z } from 'zod';
import type { Memory } from '../../pipeline/component.js';
import type { Members } from './members.js';

const shape = z.object({
  /** What documents are known by: docids, or without those the names of their files and their rows in them. */
  ids: z.enum(['text', 'integer', 'row']).optional(),
  targets: z.array(
    z.object({
      name: z.string().optional(),
      documents: z.number(),
      tokens: z.number(),
      /** Sum over the documents. */
      distance: z.number(),
      worst: z.number(),
    }),
  ),
});

/** What is known of a selection besides its members. */
export type Outline = z.output<typeof shape>;

/** What was selected for a target. */
export type TargetOutline = Outline['targets'][number];

export async function rememberOutline(outline: Outline, memory: Memory): Promise<void> {
  await memory.remember('selection', Buffer.from(JSON.stringify(outline)));
}

/** Undefined where there is none. */
export async function recallOutline(memory: Memory): Promise<Outline | undefined> {
  const bytes = await memory.recall('selection');
  return bytes && shape.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
}

/** @param target its place in the outline */
export async function rememberMembers(target: number, { values }: Members, memory: Memory): Promise<void> {
  const { buffer, byteOffset, byteLength } = values;
  await memory.remember(`members ${target}`, new Uint8Array(buffer, byteOffset, byteLength));
}

/** Undefined where there are none, or not of as many documents. */
export async function recallMembers(
  target: number,
  { documents }: TargetOutline,
  memory: Memory,
): Promise<Members | undefined> {
  const bytes = await memory.recall(`members ${target}`);
  if (bytes?.byteLength !== documents * 3 * Uint32Array.BYTES_PER_ELEMENT) return undefined;
  return { size: documents, values: new Uint32Array(bytes.buffer, bytes.byteOffset, documents * 3) };
}
