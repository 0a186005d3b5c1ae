import { type Node, type Plan, rereads, rootsOf } from './plan.js';

/** The folder of the store that keeps what a stage makes; nothing where there is none. */
export function keptIn({ id }: Node, { nodes, segments }: Plan): { keptIn?: string } {
  const stores = segments.flatMap(({ stored }) => [...stored].filter(([, { chain }]) => chain.includes(id)));
  const options = stores[0] && nodes.get(stores[0][0])?.options;
  const dir = options !== null && typeof options === 'object' && 'dir' in options ? options.dir : undefined;
  return typeof dir === 'string' ? { keptIn: dir } : {};
}

/** Sources whose rows are read again, with all their columns. */
export function rereadRoots({ nodes }: Plan): ReadonlySet<string> {
  return new Set([...nodes.values()].filter(rereads).flatMap(({ id }) => rootsOf(id, nodes)));
}
