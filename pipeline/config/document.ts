import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Document as YamlDocument,
} from 'yaml';
import { messageOf } from '../errors.js';
import { ConfigError, type Path, type Problem, pathText } from './problems.js';

/** A parsed YAML file that still knows where each of its values stands. */
export interface ConfigDocument {
  readonly file: string;
  readonly value: unknown;
  /** `file:line:col` of the value at a path, or of the nearest parent that is written in the file. */
  locate(path: Path, atKey?: boolean): string;
}

/** Aliases that a document may expand to: enough for any person's file, too few for an alias bomb. */
const maxAliases = 100;

/** Reads and parses a configuration. Throws a `ConfigError` with every syntax error. */
export async function readDocument(file: string): Promise<ConfigDocument> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError(`${file}: cannot be read: ${messageOf(error)}`, { cause: error });
  });
  return parseConfig(text, file);
}

/** Parses a configuration's text; `file` is only for messages. */
export function parseConfig(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  if (yaml.errors.length > 0) {
    throw new ConfigError(yaml.errors.map((error) => `${at(error.pos[0])}  ${error.message}`).join('\n'));
  }
  return {
    file,
    value: plain(yaml, file),
    locate: (path, atKey) => at(offsetOf(yaml, path, atKey === true)),
  };
}

/** All problems of a document as one error, in the order of the file. */
export function configError(document: ConfigDocument, problems: readonly Problem[]): ConfigError {
  const lines = problems.map((problem) => {
    const place = document.locate(problem.path, problem.atKey);
    const path = pathText(problem.path);
    return { place, text: `${place}${path === '' ? '' : `  ${path}`}  ${problem.message}` };
  });
  const collator = new Intl.Collator('en', { numeric: true });
  lines.sort((a, b) => collator.compare(a.place, b.place));
  return new ConfigError([...new Set(lines.map((line) => line.text))].join('\n'));
}

function plain(yaml: YamlDocument, file: string): unknown {
  try {
    return yaml.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    throw new ConfigError(`${file}:1:1  ${basename(file)} cannot be expanded: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function offsetOf(yaml: YamlDocument, path: Path, atKey: boolean): number {
  let node: unknown = yaml.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    const next = child(yaml, node, step);
    if (!next) return offset;
    const wantsKey = atKey && depth === path.length - 1;
    offset = (wantsKey ? next.key : (startOf(next.value) ?? next.key)) ?? offset;
    node = next.value;
  }
  return offset;
}

function child(yaml: YamlDocument, parent: unknown, step: string | number) {
  const node = isAlias(parent) ? parent.resolve(yaml) : parent;
  if (isSeq(node)) {
    const value = node.items[Number(step)];
    return value === undefined ? undefined : { key: startOf(value), value };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(
    (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
  );
  return pair ? { key: startOf(pair.key), value: pair.value } : undefined;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0];
}
