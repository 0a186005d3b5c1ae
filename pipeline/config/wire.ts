import type { Component, Transform } from '../component.js';
import type { Findings } from './findings.js';
import { didYouMean, type Path } from './problems.js';
import type { StageEntry } from './shape.js';

/** Ids of the stages that a stage reads. */
export interface Inputs {
  /** Rows; several are read one after the other, in the order in which their sources stand in the file. Empty for a source. */
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

/** How an id may look: a letter, then letters, digits, `_`, `.` or `-`. */
const idShape = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;

/** Gives every stage an id and connects it with its inputs; says what does not fit. */
export function wire(entries: readonly Entry[], findings: Findings): { id: string; inputs: Inputs }[] {
  const nodes = nameAll(entries, findings);
  const place = new Map(nodes.map(({ id }, i) => [id, i]));
  const roots = new Map<string, readonly string[]>();
  const wired = nodes.map((node, i) => {
    const { main, sides } = inputsOf(node, nodes.slice(0, i), nodes, findings);
    const firstRoot = (id: string) => place.get(roots.get(id)?.[0] ?? id) ?? 0;
    const inputs = { main: main.toSorted((a, b) => firstRoot(a) - firstRoot(b)), sides };
    roots.set(node.id, rootsOf(node, inputs, roots, place, findings));
    return { id: node.id, inputs };
  });
  // A fault elsewhere hides what reads what, so that only a graph without one is judged.
  if (findings.problems.length === 0) reportUnused(nodes, wired, findings);
  return wired;
}

/**
 * The sources, or combines that yield rows, from which a stage's rows come, in the order in which they are read: that
 * of the file. Two stages that wanted the same two sources in different orders would wait for each other forever.
 */
function rootsOf(
  node: Node,
  inputs: Inputs,
  known: ReadonlyMap<string, readonly string[]>,
  place: ReadonlyMap<string, number>,
  findings: Findings,
): readonly string[] {
  const roots = inputs.main.flatMap((id) => known.get(id) ?? []);
  const path = [...node.path, 'from'];
  const twice = roots.find((root, i) => roots.indexOf(root) < i);
  const isLate = (root: string, i: number) => i > 0 && place.get(root)! < place.get(roots[i - 1]!)!;
  const late = roots.find(isLate);
  if (twice !== undefined) {
    const message = `"${twice}" would come in twice: the stages named here both read it`;
    findings.report({ path, message });
  } else if (late !== undefined) {
    const message = `the rows would come in the order ${roots.join(', ')}, and sources are read in the order of the file: name all of them in one "from", or move "${late}" up`;
    findings.report({ path, message });
  }
  const { component } = node;
  return component?.kind === 'source' || component?.kind === 'combine' ? [node.id] : [...new Set(roots)];
}

function nameAll(entries: readonly Entry[], findings: Findings): Node[] {
  const taken = new Set(entries.flatMap(({ entry }) => entry.id ?? []));
  const seen = new Set<string>();
  return entries.map((item) => {
    const { entry, path } = item;
    if (entry.id === undefined) return { ...item, id: freeName(entry.use ?? 'stage', taken) };
    const at: Path = [...path, 'id'];
    if (!idShape.test(entry.id))
      findings.report({
        path: at,
        message: `expected a letter, then letters, digits, _ . or -, found "${entry.id}"`,
      });
    if (seen.has(entry.id)) findings.report({ path: at, message: `the id "${entry.id}" is used twice` });
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

/** What a stage may refer to, and where to tell that it refers to something else. */
interface Scope {
  readonly above: readonly Node[];
  readonly all: readonly Node[];
  readonly findings: Findings;
}

/** An id as it is written in `from`. */
interface Reference {
  readonly id: string;
  readonly path: Path;
}

function inputsOf(node: Node, above: readonly Node[], all: readonly Node[], findings: Findings): Inputs {
  const { entry, path, component } = node;
  const at: Path = [...path, 'from'];
  const scope = { above, all, findings };
  const given = references(entry.from, at);
  if (component?.kind === 'source') {
    if (entry.from !== undefined)
      findings.report({
        path: at,
        message: `${component.name} is a source: it reads files, not another stage; remove "from"`,
      });
    return { main: [], sides: new Map() };
  }
  const main = (given.main ?? defaultMain(node, above, findings)).filter((ref) => isRows(ref, scope));
  for (const [i, { id, path: place }] of main.entries()) {
    if (main.findIndex((ref) => ref.id === id) < i)
      findings.report({ path: place, message: `"${id}" is named twice: its rows would come in twice` });
  }
  const ids = new Set(main.map(({ id }) => id));
  return {
    main: above.map(({ id }) => id).filter((id) => ids.has(id)),
    sides: component ? sideInputs(component, given.sides, at, scope) : new Map(),
  };
}

function sideInputs(
  component: Component,
  given: ReadonlyMap<string, readonly Reference[]>,
  at: Path,
  scope: Scope,
): Map<string, string> {
  const { report } = scope.findings;
  const { sides: required = [], optionalSides = [], gathers = {} } = sidesOf(component);
  const wanted = [...required, ...optionalSides];
  const sides = new Map<string, string>();
  for (const [name, refs] of given) {
    const path = [...at, name];
    if (!wanted.includes(name)) {
      const hint = didYouMean(name, ['main', ...wanted]);
      report({ path, message: `${component.name} has no side input "${name}"${hint}`, atKey: true });
    } else if (refs.length > 1) report({ path, message: 'a side input is one stage' });
    else if (name in gathers ? isRows(refs[0]!, scope) : isValue(refs[0]!, scope))
      sides.set(name, refs[0]!.id);
  }
  for (const name of required) {
    if (given.has(name)) continue;
    const example = `from: {${name}: <id of a ${name} stage>}`;
    report({ path: at, message: `${component.name} needs the side input "${name}": ${example}` });
  }
  return sides;
}

/** The side inputs that a component takes. */
export function sidesOf(component: Component): Pick<Transform, 'sides' | 'optionalSides' | 'gathers'> {
  return component.kind === 'source' ? {} : component;
}

function references(
  from: StageEntry['from'],
  at: Path,
): { main: readonly Reference[] | undefined; sides: ReadonlyMap<string, readonly Reference[]> } {
  const listed = (refs: string | string[], path: Path): Reference[] =>
    typeof refs === 'string' ? [{ id: refs, path }] : refs.map((id, i) => ({ id, path: [...path, i] }));
  if (from === undefined) return { main: undefined, sides: new Map() };
  if (typeof from === 'string' || Array.isArray(from)) return { main: listed(from, at), sides: new Map() };
  const { main, ...sides } = from;
  return {
    main: main === undefined ? undefined : listed(main, [...at, 'main']),
    sides: new Map(Object.entries(sides).map(([name, refs]) => [name, listed(refs, [...at, name])])),
  };
}

/** The stage above. What a stage that is not known would read, is not known either. */
function defaultMain({ path, component }: Node, above: readonly Node[], findings: Findings): Reference[] {
  const last = above.at(-1);
  if (!component) return [];
  if (last) return [{ id: last.id, path: [...path, 'from'] }];
  const message = `the first stage must be a source, and ${component.name} is a ${component.kind}`;
  findings.report({ path, message });
  return [];
}

function isRows({ id, path }: Reference, scope: Scope): boolean {
  const component = lookUp({ id, path }, scope)?.component;
  if (!component) return false;
  if (component.kind === 'sink') {
    const message = `"${id}" (${component.name}) is a sink and has no output; name the stage to read with "from"`;
    scope.findings.report({ path, message });
    return false;
  }
  if (component.kind !== 'combine' || component.yields === 'rows') return true;
  const message = `"${id}" (${component.name}) yields one value, not rows; name the stage to read with "from", and give this one as a side input`;
  scope.findings.report({ path, message });
  return false;
}

function isValue({ id, path }: Reference, scope: Scope): boolean {
  const component = lookUp({ id, path }, scope)?.component;
  if (!component) return false;
  if (component.kind === 'combine' && component.yields === 'value') return true;
  const found = component.kind === 'sink' ? 'is a sink and has no output' : 'yields rows';
  const message = `"${id}" (${component.name}) ${found}, and a side input takes the value of a combine such as profile`;
  scope.findings.report({ path, message });
  return false;
}

function lookUp({ id, path }: Reference, { above, all, findings }: Scope): Node | undefined {
  const node = above.find((other) => other.id === id);
  if (node) return node;
  const names = above.filter((other) => other.component).map((other) => other.id);
  const message = all.some((other) => other.id === id)
    ? `"${id}" is this stage or below it; a stage reads only stages above it`
    : `there is no stage "${id}"${didYouMean(id, names)}`;
  findings.report({ path, message });
  return undefined;
}

function reportUnused(
  nodes: readonly Node[],
  wired: readonly { inputs: Inputs }[],
  findings: Findings,
): void {
  const used = new Set(wired.flatMap(({ inputs }) => [...inputs.main, ...inputs.sides.values()]));
  for (const { id, path, component } of nodes) {
    if (component?.kind === 'sink' || used.has(id)) continue;
    findings.report({
      path,
      message: `nothing reads the output of "${id}" (${component?.name}): add a sink such as write.parquet, or remove it`,
    });
  }
}
