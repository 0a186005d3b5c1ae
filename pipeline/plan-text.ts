import type { Config } from './config/load.js';
import { isRoot, type Node, type Plan, type StoredChain } from './plan.js';

/** What stages say of themselves beforehand, a line each, by stage. */
export type PlanRemarks = ReadonlyMap<string, readonly string[]>;

/** Asks the stages what can be said of them beforehand. */
export async function planRemarks({ nodes }: Plan): Promise<PlanRemarks> {
  const remarks = new Map<string, readonly string[]>();
  for (const { id, component, options } of nodes.values())
    if (component.kind === 'transform') remarks.set(id, (await component.planned?.(options)) ?? []);
  return remarks;
}

/** The plan for people: segments in the order in which they run, each stage with its component and inputs. */
export function planText({ name }: Config, plan: Plan, remarks: PlanRemarks = new Map()): string {
  const blocks = plan.segments.map((segment, i) => {
    const lines = [...segment.roots, ...segment.members].flatMap((id) => [
      `  ${stageText(plan.nodes.get(id)!)}${storedText(plan.nodes.get(id)!, segment.stored.get(id))}`,
      ...(remarks.get(id) ?? []).map((line) => `    ${line}`),
    ]);
    return [`segment ${i + 1}: ${segment.roots.join(', ')} → ${segment.terminals.join(', ')}`, ...lines].join(
      '\n',
    );
  });
  const repeated = plan.repeated.filter((id) => !isRoot(plan.nodes.get(id)!));
  const notes = repeated.length > 0 ? [`computed in more than one segment: ${repeated.join(', ')}`] : [];
  const again = plan.repeated.filter((id) => isRoot(plan.nodes.get(id)!));
  if (again.length > 0) notes.push(`read in more than one segment: ${again.join(', ')}`);
  notes.push(...[...plan.unkept].map(([id, why]) => `${id}: ${unkeptText(why)}`));
  const outputs = [...plan.nodes.values()].flatMap((node) => outputOf(node));
  return [
    `${name}: ${plan.segments.length} segments`,
    ...blocks,
    ...notes,
    ...outputs.map((path) => `output: ${path}`),
  ].join('\n');
}

/** Of costly work that is lost when a run is killed, though there is a state folder for it. */
export function unkeptText(why: string): string {
  return `what it computes is not kept, and lost when the run is interrupted: ${why}`;
}

/** The plan as a Mermaid flow chart: side inputs dotted, one subgraph a segment. */
export function planMermaid(_config: Config, plan: Plan): string {
  const drawn = new Set<string>();
  const segments = plan.segments.map((segment, i) => {
    const own = [...segment.roots, ...segment.members].filter((id) => !drawn.has(id));
    for (const id of own) drawn.add(id);
    return [
      `  subgraph segment${i + 1} [segment ${i + 1}]`,
      ...own.map((id) => `    ${key(id)}["${label(plan.nodes.get(id)!)}"]`),
      '  end',
    ].join('\n');
  });
  const arrows = [...plan.nodes.values()].flatMap((node) => [
    ...node.inputs.main.map((input) => `  ${key(input)} --> ${key(node.id)}`),
    ...[...node.inputs.sides].flatMap(([name, ids]) =>
      ids.map((id) => `  ${key(id)} -. ${name} .-> ${key(node.id)}`),
    ),
  ]);
  return ['flowchart TD', ...segments, ...arrows].join('\n');
}

/** The plan for programs. */
export function planJson({ name, hash }: Config, plan: Plan, remarks: PlanRemarks = new Map()): string {
  const stages = [...plan.nodes.values()].map((node) => ({
    id: node.id,
    use: node.component.name,
    kind: node.component.kind,
    fused: node.fused,
    from: { main: node.inputs.main, ...Object.fromEntries(node.inputs.sides) },
    options: node.options,
    ...((remarks.get(node.id)?.length ?? 0) > 0 ? { remarks: remarks.get(node.id) } : {}),
  }));
  const segments = plan.segments.map(({ level, roots, members, terminals, needs }) => ({
    level,
    roots,
    members,
    terminals,
    reads: Object.fromEntries(roots.map((root) => [root, needs.get(root)])),
  }));
  return JSON.stringify({ name, hash, stages, segments, repeated: plan.repeated }, null, 2);
}

function stageText(node: Node): string {
  const fused = node.fused.length > 1 ? ` [fused: ${node.fused.join(' + ')}]` : '';
  const from = node.inputs.main.length > 0 ? ` ← ${node.inputs.main.join(', ')}` : '';
  const sides = [...node.inputs.sides].map(([name, ids]) => ` (${name}: ${ids.join(', ')})`).join('');
  return `${node.id}: ${node.component.name}${fused}${from}${sides}`;
}

function storedText({ options }: Node, stored: StoredChain | undefined): string {
  if (!stored) return '';
  const dir = options !== null && typeof options === 'object' && 'dir' in options ? options.dir : undefined;
  const where = dir === undefined ? '' : ` [kept in ${dir}]`;
  return `${where} [what it has skips ${stored.chain.join(', ')}]`;
}

function label(node: Node): string {
  const uses = node.fused.length > 1 ? node.fused.join(' + ') : node.component.name;
  return node.id === uses ? node.id : `${node.id}: ${uses}`;
}

/** Ids may hold what Mermaid reads as syntax. */
function key(id: string): string {
  return `s_${id.replace(/[^A-Za-z0-9]/g, (char) => `_${char.codePointAt(0)!.toString(16)}_`)}`;
}

function outputOf({ component, options }: Node): string[] {
  if (component.kind !== 'sink' || options === null || typeof options !== 'object' || !('path' in options))
    return [];
  return [String(options.path)];
}
