import { readFile } from 'node:fs/promises';
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
  type Document as YamlDocument,
} from 'yaml';
import { messageOf } from '../errors.js';
import { ConfigError, type Path, type Problem, pathText } from './problems.js';
import { unsafeNodes } from './unsafe-yaml.js';

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
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new ConfigError(`${file}: ${unreadable(error)}`, { cause: error });
  });
  return parseConfig(decode(bytes, file), file);
}

/** Parses a configuration's text; `file` is only for messages. */
export function parseConfig(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const faults = [...yaml.errors, ...yaml.warnings].map((fault) => ({
    offset: fault.pos[0],
    message: syntaxMessage(fault, text),
  }));
  if (yaml.errors.length === 0) faults.push(...unsafeNodes(yaml));
  if (faults.length > 0) {
    faults.sort((a, b) => a.offset - b.offset);
    throw new ConfigError(faults.map(({ offset, message }) => `${at(offset)}  ${message}`).join('\n'));
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
  const cause = problems.find((problem) => problem.cause !== undefined)?.cause;
  return new ConfigError([...new Set(lines.map((line) => line.text))].join('\n'), { cause });
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'is a folder; expected a YAML file';
  return `cannot be read: ${messageOf(error)}`;
}

/** Text without a byte order mark, which would shift the columns of the first line. */
function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError(`${file}: is not UTF-8 text`, { cause: error });
  }
}

function syntaxMessage(fault: YAMLError, text: string): string {
  switch (fault.code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^\s:,{}[\]]+/.exec(text.slice(fault.pos[0]))?.[0];
      return key === undefined ? 'a key is there twice' : `the key ${key} is there twice`;
    }
    case 'MULTIPLE_DOCS':
      return 'a configuration is one document: remove this line and what follows, or put it into a file of its own';
    case 'TAG_RESOLVE_FAILED':
      return `${fault.message}: tags have no meaning here, remove it`;
    default:
      return fault.message;
  }
}

function plain(yaml: YamlDocument, file: string): unknown {
  try {
    return yaml.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    throw new ConfigError(`${file}:1:1  aliases expand to too much: ${messageOf(error)}`, { cause: error });
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
