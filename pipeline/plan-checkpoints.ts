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

/** Costly stages that no store keeps, with the reason. */
export function unkeptStages(nodes: readonly Node[]): Map<string, string> {
  const graph = new Map(nodes.map((node) => [node.id, node]));
  const unkept = nodes.flatMap((node): [string, string][] => {
    if (!isCostly(node) || [node, ...below(node, graph)].some(isStore)) return [];
    const why = whyNotKept(node, graph);
    return why === undefined ? [] : [[node.id, why]];
  });
  return new Map(unkept);
}

/** Whether what comes out of a stage depends on one source's documents alone, and nobody else reads it on the way. */
function canBeKept(node: Node, graph: Graph): boolean {
  return whyNotKept(node, graph) === undefined;
}

function whyNotKept({ id, component, inputs }: Node, graph: Graph): string | undefined {
  if (component.kind === 'source') return undefined;
  const [above, ...others] = inputs.main.map((input) => graph.get(input)!);
  if (component.kind !== 'transform' || !above) return `it reads the rows of "${id}", and not of a file`;
  if (component.store) return `"${id}" keeps what comes before it`;
  if (component.remembers) return `"${id}" looks at the rows before each: put it behind`;
  if (others.length > 0)
    return `"${id}" reads several stages: do this work once for each of them, and put their rows together below it (from: [a, b])`;
  if (inputs.sides.size > 0) return `"${id}" has a side input, on which it depends`;
  const other = readers(above, graph).find((reader) => reader.id !== id);
  if (other) return `"${above.id}" is read by "${other.id}" too: give that one a source of its own`;
  return whyNotKept(above, graph);
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
