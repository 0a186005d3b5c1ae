import type { Batch, Role } from './batch.js';
import type { CombineContext, OpenSource, ReadOptions } from './component.js';
import { askedPaths, neededAgain, neededFrom } from './needed.js';
import { type Node, pathTo, provides, sourcesAbove } from './plan.js';
import { reread } from './reread.js';
import type { Run } from './run.js';
import { type Joint, jointOf } from './several-sources.js';

/** What a combine may ask: the usual things, a look ahead at one column, and chosen rows once more. */
export function combineContext(node: Node, run: Run): CombineContext {
  const sources = sourcesAbove(node.id, run.plan.nodes).map((id) => run.sources.get(id)!);
  return {
    ...run.contextOf(node),
    scanBefore: (role) => scanBefore(node, role, run),
    reread: (orders, removed) => {
      const needs = neededAgain(node, run.plan);
      const joint = jointOf(node, needs, run.plan, run.sources);
      const asked = askedPaths(needs, sources);
      const roles = rolesRead(node, sources, run);
      const rows = reread(orders, { removed, asked, roles }, sources, run.signal);
      return joint ? alike(rows, joint) : rows;
    },
  };
}

async function* alike(batches: AsyncIterable<Batch>, joint: Joint): AsyncGenerator<Batch> {
  for await (const batch of batches) yield joint(batch);
}

/** Roles that stages below a combine want of its rows. */
function rolesRead(node: Node, sources: readonly OpenSource[], run: Run): Role[] {
  const below = run.plan.segments.flatMap((segment) => segment.needs.get(node.id) ?? []);
  const needs = below.flatMap((own) => sources.map((source) => neededFrom(own, source)));
  return [...new Set(needs.flatMap(({ roles = [], optionalRoles = [] }) => [...roles, ...optionalRoles]))];
}

function scanBefore(node: Node, role: Role, run: Run): ReturnType<CombineContext['scanBefore']> {
  const path = pathTo(node.id, run.plan.nodes).map((id) => run.plan.nodes.get(id)!);
  const between = path.filter((other) => other.component.kind === 'transform');
  const sources = path.flatMap(({ id }) => run.sources.get(id) ?? []);
  const fromCombine = path.some((other) => other !== node && other.component.kind === 'combine');
  if (fromCombine || between.some((other) => provides(other).includes(role))) return undefined;
  let complete = true;
  const overlook = () => {
    complete = false;
  };
  return {
    batches: scan(sources, role, run.rejects.tolerant ? { reject: overlook } : {}, run.signal),
    exact: !run.rejects.tolerant && !between.some(mayDrop),
    complete: () => complete,
  };
}

async function* scan(
  sources: readonly OpenSource[],
  role: Role,
  how: ReadOptions,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  for (const source of sources) {
    for (const bundle of source.bundles) {
      for await (const batch of source.read(bundle, { roles: [role] }, how)) {
        signal.throwIfAborted();
        yield batch;
      }
    }
  }
}

function mayDrop({ component, options }: Node): boolean {
  return component.kind === 'transform' && (component.mayDrop?.(options) ?? true);
}
