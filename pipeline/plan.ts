import type { Role } from './batch.js';
import type { Needs } from './component.js';
import type { Stage } from './config/load.js';
import { ConfigError } from './config/problems.js';
import { unkeptStages, withCheckpoints } from './plan-checkpoints.js';

/** A stage as it will run: possibly several of the file's stages fused into one. */
export interface Node extends Stage {
  /** Ids of the stages of the file that it stands for; the last is its own. */
  readonly fused: readonly string[];
}

/**
 * A stretch of the graph that is one stream: rows go from its roots (sources, or combines that yield rows) to its
 * terminals (combines and sinks), and no row knows of another on the way.
 */
export interface Segment {
  /** Segments run by rising level: what a side input needs comes first. */
  readonly level: number;
  readonly roots: readonly string[];
  /** Transforms and terminals, in the order of the file. */
  readonly members: readonly string[];
  readonly terminals: readonly string[];
  /** Stores with the stages that only they read: what a store has of a bundle does not go through them. */
  readonly stored: ReadonlyMap<string, StoredChain>;
  /** What the stages below each root and each transform want: roots read no more, transforms pass no more on. */
  readonly needs: ReadonlyMap<string, Needs>;
}

/** What stands before a store. */
export interface StoredChain {
  readonly source: string;
  /** Transforms between it and the store, in order. */
  readonly chain: readonly string[];
}

export interface Plan {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly segments: readonly Segment[];
  /** Stages that run in more than one segment, and so are computed again. */
  readonly repeated: readonly string[];
  /** Where work is to be kept: costly stages whose work is not, with the reason. */
  readonly unkept: ReadonlyMap<string, string>;
}

export interface PlanOptions {
  /** The folder in which what costly stages compute is kept; without it nothing is but where a stage says so. */
  readonly checkpoints?: string | undefined;
}

/** Cuts the graph into segments. Pure: nothing is opened. The stages have been checked by `wire`. */
export function makePlan(stages: readonly Stage[], { checkpoints }: PlanOptions = {}): Plan {
  const fused = fuse(withGathers(stages));
  const all = checkpoints === undefined ? fused : withCheckpoints(fused, checkpoints);
  const nodes = new Map(all.map((node) => [node.id, node]));
  const levels = new Levels(nodes);
  const segments = groupTerminals(nodes, levels).map((terminals) => makeSegment(terminals, nodes, levels));
  segments.sort((a, b) => a.level - b.level);
  refuseSecondRead(nodes, segments);
  const repeated = [...nodes.keys()].filter(
    (id) =>
      segments.filter((segment) => segment.roots.includes(id)).length > 1 ||
      segments.filter((segment) => segment.members.includes(id)).length > 1,
  );
  const unkept = checkpoints === undefined ? new Map() : unkeptStages(all);
  return { nodes, segments, repeated, unkept };
}

/** Ids of the nodes that read a node's rows. */
export function readersOf(id: string, nodes: ReadonlyMap<string, Node>): string[] {
  return [...nodes.values()].filter((node) => node.inputs.main.includes(id)).map((node) => node.id);
}

/** The nodes between a segment's roots and one of its stages, that stage included, roots first. */
export function pathTo(id: string, nodes: ReadonlyMap<string, Node>): string[] {
  const seen = new Set<string>();
  const visit = (current: string, isStart: boolean) => {
    const node = nodes.get(current)!;
    if (seen.has(current)) return;
    if (isStart || !isRoot(node)) for (const input of node.inputs.main) visit(input, false);
    seen.add(current);
  };
  visit(id, true);
  return [...seen];
}

/** Ids of the sources from which a stage's rows come, through whatever lies between. */
export function sourcesAbove(id: string, nodes: ReadonlyMap<string, Node>): string[] {
  const seen = new Set<string>();
  const visit = (current: string) => {
    if (seen.has(current)) return;
    seen.add(current);
    for (const input of nodes.get(current)!.inputs.main) visit(input);
  };
  visit(id);
  return [...nodes.keys()].filter(
    (other) => seen.has(other) && nodes.get(other)!.component.kind === 'source',
  );
}

/** True for a combine that yields rows: it reads them again. */
export function rereads({ component }: Node): boolean {
  return component.kind === 'combine' && component.yields === 'rows';
}

/** True for a node from which a stream starts. */
export function isRoot(node: Node): boolean {
  return node.component.kind === 'source' || rereads(node);
}

function isTerminal(node: Node): boolean {
  return node.component.kind === 'combine' || node.component.kind === 'sink';
}

/** Puts a combine of its own before every side input that takes rows: `<stage>.<side>`. */
function withGathers(stages: readonly Stage[]): Stage[] {
  return stages.flatMap((stage) => {
    const { component, options, inputs } = stage;
    const gathers = component.kind === 'source' ? undefined : component.gathers;
    if (!gathers) return [stage];
    const sides = new Map(inputs.sides);
    const combines = [...inputs.sides].flatMap(([name, ids]): Stage[] => {
      const combine = gathers[name];
      if (!combine) return [];
      const own = `${stage.id}.${name}`;
      sides.set(name, [own]);
      return [{ ...stage, id: own, component: combine, options, inputs: { main: ids, sides: new Map() } }];
    });
    return [...combines, { ...stage, inputs: { ...inputs, sides } }];
  });
}

/** Joins a stage with the one that follows where its component can do both at once and nobody else reads between. */
function fuse(stages: readonly Stage[]): Node[] {
  const nodes: Node[] = [];
  const taken = new Set<string>();
  for (const stage of stages) {
    if (taken.has(stage.id)) continue;
    const next = soleReader(stage, stages);
    const options = next && fusedOptions(stage, next);
    if (next && options !== undefined) {
      taken.add(next.id);
      nodes.push({ ...stage, id: next.id, options, fused: [stage.id, next.id] });
    } else {
      nodes.push({ ...stage, fused: [stage.id] });
    }
  }
  return nodes;
}

function fusedOptions(stage: Stage, next: Stage): unknown {
  if (stage.component.kind !== 'transform' || next.inputs.sides.size > 0) return undefined;
  return stage.component.fuse?.(stage.options, { name: next.component.name, options: next.options });
}

function soleReader(stage: Stage, stages: readonly Stage[]): Stage | undefined {
  const readers = stages.filter((other) => other.inputs.main.includes(stage.id));
  const [only] = readers;
  return readers.length === 1 && only && only.inputs.main.length === 1 ? only : undefined;
}

/** When a stream can flow: after every combine on whose value or rows it depends. */
class Levels {
  readonly #known = new Map<string, number>();

  constructor(private readonly nodes: ReadonlyMap<string, Node>) {}

  /** Level of the segment in which a node consumes its input. */
  consumes(id: string): number {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const { main, sides } = this.nodes.get(id)!.inputs;
    const level = Math.max(
      0,
      ...main.map((input) => this.yields(input)),
      ...[...sides.values()].flat().map((side) => this.consumes(side) + 1),
    );
    this.#known.set(id, level);
    return level;
  }

  /** Level at which a node's rows can be read. */
  yields(id: string): number {
    return this.consumes(id) + (this.nodes.get(id)!.component.kind === 'combine' ? 1 : 0);
  }
}

/** Terminals of the same level that share a root belong to one stream. */
function groupTerminals(nodes: ReadonlyMap<string, Node>, levels: Levels): string[][] {
  const groups: { level: number; roots: Set<string>; terminals: string[] }[] = [];
  for (const node of nodes.values()) {
    if (!isTerminal(node)) continue;
    const level = levels.consumes(node.id);
    const group = { level, roots: new Set(rootsOf(node.id, nodes)), terminals: [node.id] };
    for (const other of groups.filter(
      (g) => g.level === level && [...g.roots].some((root) => group.roots.has(root)),
    )) {
      groups.splice(groups.indexOf(other), 1);
      for (const root of other.roots) group.roots.add(root);
      group.terminals.unshift(...other.terminals);
    }
    groups.push(group);
  }
  return groups.map((group) => group.terminals);
}

/** Sources and combines whose rows a stage works on. */
export function rootsOf(terminal: string, nodes: ReadonlyMap<string, Node>): string[] {
  return pathTo(terminal, nodes).filter((id) => id !== terminal && isRoot(nodes.get(id)!));
}

function makeSegment(
  terminals: readonly string[],
  nodes: ReadonlyMap<string, Node>,
  levels: Levels,
): Segment {
  const roots = new Set(terminals.flatMap((id) => rootsOf(id, nodes)));
  const onPaths = new Set(terminals.flatMap((id) => pathTo(id, nodes)));
  const members = [...nodes.keys()].filter((id) => onPaths.has(id) && !roots.has(id));
  const needs = new Map([...roots, ...members].map((id) => [id, needsBelow(id, members, nodes)]));
  return {
    level: levels.consumes(terminals[0]!),
    roots: [...nodes.keys()].filter((id) => roots.has(id)),
    members,
    terminals: members.filter((id) => terminals.includes(id)),
    stored: new Map(
      members.filter((id) => isStore(nodes.get(id)!)).map((id) => [id, chainBefore(id, nodes)]),
    ),
    needs,
  };
}

function isStore({ component }: Node): boolean {
  return component.kind === 'transform' && component.store !== undefined;
}

/** The stages before a store, which nobody else may read: what it has of a bundle is not made again for others. */
function chainBefore(store: string, nodes: ReadonlyMap<string, Node>): StoredChain {
  const before = pathTo(store, nodes).filter((id) => id !== store);
  for (const id of before) {
    const node = nodes.get(id)!;
    const other = readersOf(id, nodes).find((reader) => reader !== store && !before.includes(reader));
    if (other !== undefined)
      throw refusal(
        nodes.get(store)!,
        `"${id}" is read by "${other}" too, and is skipped for what "${store}" has: let "${other}" read "${store}"`,
      );
    if (node.component.kind === 'combine' || isStore(node))
      throw refusal(
        nodes.get(store)!,
        `"${store}" keeps what is made of files, and reads the rows of "${id}"`,
      );
    if (node.inputs.sides.size > 0)
      throw refusal(
        nodes.get(store)!,
        `"${store}" keeps what depends on documents alone, and "${id}" has a side input: put "${store}" before it`,
      );
    if (node.component.kind === 'transform' && node.component.remembers)
      throw refusal(
        nodes.get(store)!,
        `"${store}" keeps what depends on a document alone, and "${id}" looks at those before it: put "${store}" before it`,
      );
  }
  const joint = [...before, store].find((id) => nodes.get(id)!.inputs.main.length > 1);
  if (joint !== undefined)
    throw refusal(
      nodes.get(store)!,
      `"${joint}" reads several stages: give each of them a stage like "${store}"`,
    );
  const [source, ...chain] = before;
  return { source: source!, chain };
}

function refusal({ place }: Node, message: string): ConfigError {
  return new ConfigError(`${place === undefined ? '' : `${place}  `}${message}`);
}

/** Everything that the stages below a node of a segment want of it: not the roles that a stage in between makes. */
function needsBelow(above: string, members: readonly string[], nodes: ReadonlyMap<string, Node>): Needs {
  const below = members.filter((id) => id !== above && pathTo(id, nodes).includes(above));
  const made = isStore(nodes.get(above)!) ? rolesBefore(above, nodes) : [];
  const wanted = (reader: string) => (role: Role) =>
    !made.includes(role) && reaches(above, reader, role, nodes);
  return mergeNeeds(
    below.map((id) => {
      const needs = needsOf(nodes.get(id)!);
      return {
        ...needs,
        roles: (needs.roles ?? []).filter(wanted(id)),
        optionalRoles: (needs.optionalRoles ?? []).filter(wanted(id)),
      };
    }),
  );
}

/** Whether a stage sees a role's column as a stage above gives it: by one way at least nothing in between makes another. */
function reaches(above: string, reader: string, role: Role, nodes: ReadonlyMap<string, Node>): boolean {
  return nodes.get(reader)!.inputs.main.some((id) => {
    if (id === above) return true;
    const node = nodes.get(id)!;
    return !isRoot(node) && !provides(node).includes(role) && reaches(above, id, role, nodes);
  });
}

/** Roles whose columns a store has kept, as stages before it make them. */
function rolesBefore(store: string, nodes: ReadonlyMap<string, Node>): Role[] {
  return pathTo(store, nodes).flatMap((id) => provides(nodes.get(id)!));
}

/** Roles whose column a stage makes. */
export function provides({ component, options }: Node): readonly Role[] {
  return component.kind === 'transform' ? (component.provides?.(options) ?? []) : [];
}

/** What a stage itself wants. */
export function needsOf(node: Node): Needs {
  const { component, options } = node;
  if (component.kind === 'source') return {};
  return component.needs?.(options) ?? { columns: 'all' };
}

/** Everything that is wanted. */
export function mergeNeeds(needs: readonly Needs[]): Needs {
  const all = needs.some((need) => need.columns === 'all');
  const columns = needs.flatMap((need) => (need.columns === 'all' ? [] : (need.columns ?? [])));
  return {
    roles: [...new Set(needs.flatMap((need) => need.roles ?? []))],
    optionalRoles: [...new Set(needs.flatMap((need) => need.optionalRoles ?? []))],
    columns: all ? 'all' : [...new Set(columns)],
  };
}

function refuseSecondRead(nodes: ReadonlyMap<string, Node>, segments: readonly Segment[]): void {
  for (const node of nodes.values()) {
    if (node.component.kind !== 'combine') continue;
    if (segments.filter((segment) => segment.roots.includes(node.id)).length > 1) {
      throw refusal(
        node,
        `the rows of "${node.id}" would have to be read twice (one of its readers waits for another): write them with a sink and read that file in a second pipeline`,
      );
    }
  }
}
