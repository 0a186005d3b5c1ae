import type { Context } from '../pipeline/component.js';
import type { NeuronType } from './backbone/types.js';

/** How many neurons of a layer a NAG keeps. */
export interface KeptNeurons {
  readonly neurons: NeuronType;
  readonly k: number;
  readonly width: number;
}

/** With fewer neurons a layer, distances take a handful of values. */
const fewest = 5;

/** `fwd_up: 20 of 3072` */
export function keptText({ neurons, k, width }: KeptNeurons): string {
  return `${neurons}: ${k} of ${width}`;
}

/** What is wrong with so many neurons a layer; undefined where nothing is. */
export function keptFault({ neurons, k, width }: KeptNeurons): string | undefined {
  const kept = `K is ${k} of the ${width} neurons of a layer (${neurons})`;
  if (k < fewest)
    return `${kept}: many documents will have equal distances and be ordered by docid; set k, or a larger ratio, on top_k (20 is usual)`;
  if (2 * k >= width)
    return `${kept}: with half of them or more, documents hardly differ; set a smaller k or ratio on top_k`;
  return undefined;
}

/** Says in the footers of outputs how many neurons are kept. */
export function recordKept(kept: readonly KeptNeurons[], { provenance }: Context): void {
  provenance.set('nag.k', kept.map(keptText).join(', '));
}

/** Stages that have told, by what is theirs alone: one that two segments read runs twice. */
const told = new WeakSet<Context['provenance']>();

/** Says in the summary too, and warns where the number serves no ranking; once. */
export function tellKept(kept: KeptNeurons, context: Context): void {
  if (!told.has(context.provenance)) context.count(`of ${kept.width} neurons a layer`, kept.k);
  told.add(context.provenance);
  recordKept([kept], context);
  const fault = keptFault(kept);
  if (fault !== undefined) context.note(fault);
}
