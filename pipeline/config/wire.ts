import type { Component } from '../component.js';
import { didYouMean, type Path, type Problem } from './problems.js';
import type { StageEntry } from './shape.js';

/** Ids of the stages that a stage reads. */
export interface Inputs {
  /** Rows; several are read one after the other, in the order of the file. Empty for a source. */
  readonly main: readonly string[];
  readonly sides: ReadonlyMap<string, string>;
}

interface Entry {
  readonly entry: StageEntry;
  readonly path: Path;
  readonly component: Component | undefined;
}

interface Node extends Entry {
  readonly id: string;
}

/** Gives every stage an id and connects it with its inputs; says what does not fit. */
export function wire(entries: readonly Entry[], problems: Problem[]): { id: string; inputs: Inputs }[] {
  const nodes = nameAll(entries, problems);
  const used = new Set<string>();
  const roots = new Map<string, ReadonlySet<string>>();
  const wired = nodes.map((node, i) => {
    const inputs = inputsOf(node, nodes.slice(0, i), nodes, problems);
    for (const id of [...inputs.main, ...inputs.sides.values()]) used.add(id);
    roots.set(node.id, rootsOf(node, inputs, roots, problems));
    return { id: node.id, inputs };
  });
  // A stage that could not be named hides what it reads, so that only a graph without other faults is judged.
  if (nodes.every((node) => node.component) && problems.length === 0) reportUnused(nodes, used, problems);
  return wired;
}

/** The sources, or combines that yield rows, from which a stage's rows come. Reading one twice would double its rows. */
function rootsOf(
  node: Node,
  inputs: Inputs,
  known: ReadonlyMap<string, ReadonlySet<string>>,
  problems: Problem[],
): Set<string> {
  const roots = new Set<string>();
  for (const root of inputs.main.flatMap((id) => [...(known.get(id) ?? [])])) {
    if (roots.has(root))
      problems.push({
        path: [...node.path, 'from'],
        message: `"${root}" would come in twice: the stages named here both read it`,
      });
    roots.add(root);
  }
  const { component } = node;
  return component?.kind === 'source' || component?.kind === 'combine' ? new Set([node.id]) : roots;
}

function nameAll(entries: readonly Entry[], problems: Problem[]): Node[] {
  const taken = new Set(entries.flatMap(({ entry }) => entry.id ?? []));
  const seen = new Set<string>();
  return entries.map((item) => {
    const { entry, path } = item;
    if (entry.id === undefined) return { ...item, id: freeName(entry.use ?? 'stage', taken) };
    if (seen.has(entry.id))
      problems.push({ path: [...path, 'id'], message: `the id "${entry.id}" is used twice` });
    seen.add(entry.id);
    return { ...item, id: entry.id };
  });
}

function freeName(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let n = 2; taken.has(candidate); n++) candidate = `${name}-${n}`;
  taken.add(candidate);
  return candidate;
}

function inputsOf(node: Node, above: readonly Node[], all: readonly Node[], problems: Problem[]): Inputs {
  const { entry, path, component } = node;
  const given = split(entry.from);
  const at: Path = entry.from === undefined ? path : [...path, 'from'];
  if (component?.kind === 'source') {
    if (entry.from !== undefined)
      problems.push({
        path: at,
        message: `${component.name} is a source: it reads files, not another stage; remove "from"`,
      });
    return { main: [], sides: new Map() };
  }
  const mainRefs = given.main ?? defaultMain(above, path, component, problems);
  const main = mainRefs.filter((id) => isRows(id, above, all, at, problems));
  const sides = new Map<string, string>();
  const wanted = component?.kind === 'transform' ? (component.sides ?? []) : [];
  for (const [name, refs] of given.sides) {
    if (component && !wanted.includes(name))
      problems.push({
        path: [...at, name],
        message: `${component.name} has no side input "${name}"${didYouMean(name, ['main', ...wanted])}`,
        atKey: true,
      });
    else if (refs.length > 1) problems.push({ path: [...at, name], message: 'a side input is one stage' });
    else if (isValue(refs[0]!, above, all, [...at, name], problems)) sides.set(name, refs[0]!);
  }
  for (const name of wanted) {
    if (!given.sides.has(name))
      problems.push({
        path: at,
        message: `${component?.name} needs the side input "${name}": from: {${name}: <id of a ${name} stage>}`,
      });
  }
  return { main: above.map((n) => n.id).filter((id) => main.includes(id)), sides };
}

function split(from: StageEntry['from']): {
  main: readonly string[] | undefined;
  sides: ReadonlyMap<string, readonly string[]>;
} {
  if (from === undefined) return { main: undefined, sides: new Map() };
  if (typeof from === 'string' || Array.isArray(from)) return { main: [from].flat(), sides: new Map() };
  const { main, ...sides } = from;
  return {
    main: main === undefined ? undefined : [main].flat(),
    sides: new Map(Object.entries(sides).map(([name, refs]) => [name, [refs].flat()])),
  };
}

function defaultMain(
  above: readonly Node[],
  path: Path,
  component: Component | undefined,
  problems: Problem[],
): string[] {
  const last = above.at(-1);
  if (last) return [last.id];
  if (component)
    problems.push({
      path,
      message: `the first stage must be a source, and ${component.name} is a ${component.kind}`,
    });
  return [];
}

function isRows(
  id: string,
  above: readonly Node[],
  all: readonly Node[],
  at: Path,
  problems: Problem[],
): boolean {
  const component = lookUp(id, above, all, at, problems)?.component;
  if (!component) return false;
  if (component.kind === 'sink')
    problems.push({
      path: at,
      message: `"${id}" (${component.name}) is a sink and has no output; name the stage to read with "from"`,
    });
  else if (component.kind === 'combine' && component.yields === 'value')
    problems.push({
      path: at,
      message: `"${id}" (${component.name}) yields one value, not rows; name the stage to read with "from", and give this one as a side input`,
    });
  else return true;
  return false;
}

function isValue(
  id: string,
  above: readonly Node[],
  all: readonly Node[],
  at: Path,
  problems: Problem[],
): boolean {
  const component = lookUp(id, above, all, at, problems)?.component;
  if (!component) return false;
  if (component.kind === 'combine' && component.yields === 'value') return true;
  problems.push({
    path: at,
    message: `"${id}" (${component.name}) yields rows, and a side input takes the value of a combine such as profile`,
  });
  return false;
}

function lookUp(
  id: string,
  above: readonly Node[],
  all: readonly Node[],
  at: Path,
  problems: Problem[],
): Node | undefined {
  const node = above.find((n) => n.id === id);
  if (node) return node;
  const below = all.some((n) => n.id === id);
  problems.push({
    path: at,
    message: below
      ? `"${id}" is this stage or below it; a stage reads only stages above it`
      : `there is no stage "${id}"${didYouMean(
          id,
          above.map((n) => n.id),
        )}`,
  });
  return undefined;
}

function reportUnused(nodes: readonly Node[], used: ReadonlySet<string>, problems: Problem[]): void {
  for (const { id, path, component } of nodes) {
    if (component?.kind === 'sink' || used.has(id)) continue;
    problems.push({
      path,
      message: `nothing reads the output of "${id}" (${component?.name}): add a sink such as write.parquet, or remove it`,
    });
  }
  if (!nodes.some((node) => node.component?.kind === 'sink'))
    problems.push({ path: ['stages'], message: 'nothing is written: the pipeline has no sink' });
}
