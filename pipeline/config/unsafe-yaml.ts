import { type Alias, type Document, isScalar, type Node, type Pair, visit } from 'yaml';

/** A construct of YAML that a configuration does not take, and the offset in the text at which it stands. */
export interface UnsafeNode {
  readonly offset: number;
  readonly message: string;
}

/** Keys that are no names, merge keys, and aliases that lead nowhere or into themselves. */
export function unsafeNodes(yaml: Document): UnsafeNode[] {
  const found: UnsafeNode[] = [];
  const add = (node: unknown, message: string | undefined) => {
    if (message !== undefined) found.push({ offset: (node as Node | null)?.range?.[0] ?? 0, message });
  };
  visit(yaml, {
    Pair: (_, pair) => add(pair.key ?? pair.value, keyFault(pair)),
    Alias: (_, alias, parents) => add(alias, aliasFault(alias, yaml, parents)),
  });
  return found;
}

function keyFault({ key }: Pair): string | undefined {
  if (!isScalar(key) || key.value === null) return 'a key must be text';
  if (key.value === '<<') return 'merge keys ("<<") have no meaning here: use params or a template';
  return key.value === '__proto__' ? 'the key __proto__ is not allowed' : undefined;
}

function aliasFault(alias: Alias, yaml: Document, parents: readonly unknown[]): string | undefined {
  const target = alias.resolve(yaml);
  if (!target) return `the alias *${alias.source} has no anchor &${alias.source} above it`;
  return parents.includes(target) ? `the alias *${alias.source} stands inside what it stands for` : undefined;
}
