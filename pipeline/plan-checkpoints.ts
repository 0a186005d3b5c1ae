import type { Node } from './plan.js';
import { checkpoint } from './store/checkpoint.js';

/**
 * Puts a store behind the last costly stage of each chain that can be kept: one that leads from a source, in which each
 * stage is read by the next alone, and that holds no store yet. What read the stage reads the store.
 */
export function withCheckpoints(nodes: readonly Node[], dir: string): Node[] {
  const graph = new Map(nodes.map((node) => [node.id, node]));
  const stores = new Map(
    nodes.filter((node) => wantsStore(node, graph)).map(({ id }) => [id, freeId(`${id}.kept`, graph)]),
  );
  return nodes.flatMap((node) => {
    const main = node.inputs.main.map((id) => stores.get(id) ?? id);
    const own = { ...node, inputs: { ...node.inputs, main } };
    const id = stores.get(node.id);
    if (id === undefined) return [own];
    const inputs = { main: [node.id], sides: new Map() };
    return [own, { id, component: checkpoint, options: { dir }, inputs, fused: [id] }];
  });
}

type Graph = ReadonlyMap<string, Node>;

function wantsStore(node: Node, graph: Graph): boolean {
  if (!isCostly(node) || !canBeKept(node, graph)) return false;
  return !below(node, graph).some((other) => isStore(other) || (isCostly(other) && canBeKept(other, graph)));
}

function isCostly({ component, options }: Node): boolean {
  return component.kind === 'transform' && component.costly?.(options) === true;
}

function isStore({ component }: Node): boolean {
  return component.kind === 'transform' && component.store !== undefined;
}

/** Whether what comes out of a stage depends on one source's documents alone, and nobody else reads it on the way. */
function canBeKept({ component, inputs }: Node, graph: Graph): boolean {
  if (component.kind === 'source') return true;
  const [above, ...others] = inputs.main.map((id) => graph.get(id)!);
  if (component.kind !== 'transform' || component.store || component.remembers) return false;
  if (!above || others.length > 0 || inputs.sides.size > 0) return false;
  return readers(above, graph).length === 1 && canBeKept(above, graph);
}

/** Transforms that the rows of a stage go through. */
function below(node: Node, graph: Graph): Node[] {
  return readers(node, graph).flatMap((reader) =>
    reader.component.kind === 'transform' ? [reader, ...below(reader, graph)] : [],
  );
}

function readers({ id }: Node, graph: Graph): Node[] {
  return [...graph.values()].filter((node) => node.inputs.main.includes(id));
}

function freeId(wanted: string, graph: Graph): string {
  let id = wanted;
  for (let n = 2; graph.has(id); n++) id = `${wanted}-${n}`;
  return id;
}
