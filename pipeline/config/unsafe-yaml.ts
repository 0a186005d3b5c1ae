import {
  type Alias,
  type Document,
  isScalar,
  Lexer,
  type Node,
  type Pair,
  Parser,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';

/** A construct of YAML that a configuration does not take, and the offset in the text at which it stands. */
export interface UnsafeNode {
  readonly offset: number;
  readonly message: string;
}

/** Levels of lists and mappings: a pipeline has about six. */
const maxDepth = 50;

/** Where a text is nested too deeply. Its tokens are read one by one; the parser calls itself for each level. */
export function tooDeep(text: string): UnsafeNode | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme));
    // The document and a scalar are on the stack as well.
    if (parser.stack.length > maxDepth + 2)
      return { offset: parser.offset, message: `is nested too deeply: at most ${maxDepth} levels` };
  }
  return undefined;
}

/** Aliases in a document: enough for any person's file, too few for an alias bomb. */
export const maxAliases = 100;

/** Keys that are no names or there twice, merge keys, and aliases that are many or lead nowhere or into themselves. */
export function unsafeNodes(yaml: Document, text: string): UnsafeNode[] {
  const found: UnsafeNode[] = [];
  let aliases = 0;
  const add = (node: unknown, message: string | undefined) => {
    if (message !== undefined) found.push({ offset: (node as Node | null)?.range?.[0] ?? 0, message });
  };
  visit(yaml, {
    Pair: (_, pair) => add(pair.key ?? pair.value, keyFault(pair)),
    Map: (_, map) => {
      for (const key of repeatedKeys(map))
        add(key, `the key ${text.slice(...(key.range ?? [0, 0]))} is there twice`);
    },
    Alias: (_, alias, parents) => {
      aliases++;
      if (aliases <= maxAliases) return add(alias, aliasFault(alias, yaml, parents));
      add(alias, `expected at most ${maxAliases} aliases: use params or a template`);
      return visit.BREAK;
    },
  });
  return found;
}

/** The parser's own check compares each key with each other one. */
function repeatedKeys(map: YAMLMap): Scalar[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const known = seen.has(String(key.value));
    seen.add(String(key.value));
    return known ? [key] : [];
  });
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
