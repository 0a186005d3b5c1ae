import { createReadStream } from 'node:fs';
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
import { messageOf, refusalText } from '../errors.js';
import { ConfigError, type Path, type Problem, pathText } from './problems.js';
import { maxAliases, tooDeep, unsafeNodes } from './unsafe-yaml.js';

/** A parsed YAML file that still knows where each of its values stands. */
export interface ConfigDocument {
  readonly file: string;
  readonly value: unknown;
  /** `file:line:col` of the value at a path, or of the nearest parent that is written in the file. */
  locate(path: Path, atKey?: boolean): string;
}

/** Longer files are no configurations: pipelines have some hundred lines. */
const maxBytes = 1_000_000;

/** Faults told at once. After the first syntax error a parser only guesses. */
const [maxSyntaxErrors, maxProblems] = [10, 50];

/** Reads and parses a configuration. Throws a `ConfigError` with every syntax error. */
export async function readDocument(file: string): Promise<ConfigDocument> {
  const bytes = await readBytes(file).catch((error: unknown) => {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${file}: ${unreadable(error)}`, { cause: error });
  });
  return parseConfig(decode(bytes, file), file);
}

/** Of devices and pipes as well, whose size is not known: never more than a configuration can have. */
async function readBytes(file: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of createReadStream(file)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes)
      throw new ConfigError(`${file}: is longer than ${maxBytes} bytes; expected a pipeline, a YAML file`);
  }
  return Buffer.concat(chunks);
}

/** Parses a configuration's text; `file` is only for messages. */
export function parseConfig(text: string, file: string): ConfigDocument {
  const deep = tooDeep(text);
  if (deep) {
    const before = text.slice(0, deep.offset).split('\n');
    throw new ConfigError(`${file}:${before.length}:${before.at(-1)!.length + 1}  ${deep.message}`);
  }
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const faults = [...yaml.errors, ...yaml.warnings].map((fault) => ({
    offset: fault.pos[0],
    message: syntaxMessage(fault),
  }));
  const tabs = yaml.errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  // What else is wrong then follows from it, and one line says it for all others.
  if (tabs[0]) throw new ConfigError(`${at(tabs[0].pos[0])}  ${tabsMessage(text, tabs[0].pos[0])}`);
  if (yaml.errors.length === 0) faults.push(...unsafeNodes(yaml, text));
  if (faults.length > 0) {
    faults.sort((a, b) => a.offset - b.offset);
    const lines = faults.map(({ offset, message }) => `${at(offset)}  ${message}`);
    throw new ConfigError(firstOf(lines, maxSyntaxErrors, file));
  }
  return {
    file,
    value: plain(yaml, file),
    locate: (path, atKey) => at(offsetOf(yaml, path, atKey === true)),
  };
}

/** All problems of a document as one error, in the order of the file. */
export function configError(document: ConfigDocument, problems: readonly Problem[]): ConfigError {
  const lines = problems.slice(0, 10 * maxProblems).map((problem) => {
    const place = document.locate(problem.path, problem.atKey);
    const path = pathText(problem.path);
    return { place, text: `${place}${path === '' ? '' : `  ${path}`}  ${problem.message}` };
  });
  const collator = new Intl.Collator('en', { numeric: true });
  lines.sort((a, b) => collator.compare(a.place, b.place));
  const cause = problems.find((problem) => problem.cause !== undefined)?.cause;
  const texts = [...new Set(lines.map((line) => line.text))];
  const untold = problems.length - lines.length;
  return new ConfigError(firstOf(texts, maxProblems, document.file, untold), { cause });
}

function firstOf(lines: readonly string[], most: number, file: string, untold = 0): string {
  const more = lines.length > most ? [`${file}: and ${lines.length - most + untold} more faults`] : [];
  return [...lines.slice(0, most), ...more].join('\n');
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'is a folder; expected a YAML file';
  return `cannot be read: ${refusalText(error)}`;
}

/** Text without a byte order mark, which would shift the columns of the first line. */
function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError(`${file}: is not UTF-8 text`, { cause: error });
  }
}

function tabsMessage(text: string, offset: number): string {
  const rest = text.slice(offset).split('\n');
  const more = rest.slice(1).filter((line) => /^ *\t/.test(line)).length;
  const also = more > 0 ? `, and in ${more} more ${more === 1 ? 'line' : 'lines'} below` : '';
  return `YAML is indented with spaces, and here is a tab${also}: replace tabs by spaces`;
}

function syntaxMessage(fault: YAMLError): string {
  switch (fault.code) {
    case 'MULTIPLE_DOCS':
      return 'a configuration is one document: remove this line and what follows, or put it into a file of its own';
    case 'TAG_RESOLVE_FAILED':
      return `${fault.message}: tags have no meaning here, remove it`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return `${fault.message}: put quotes around a text with ": " in it`;
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
