import {
  type Data,
  DataType,
  type Field,
  type RecordBatch,
  type Schema,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { cellTexts } from '../../pipeline/arrow/cell-text.js';
import { isText, type TextReader, textReader } from '../../pipeline/arrow/text.js';
import { columnMeant, type Roles } from '../../pipeline/batch.js';

/** Text made of several columns: `"{question}\n{answer}"`. */
export interface TextTemplate {
  readonly columns: readonly string[];
  /** Literal text and column names in turn: `['', 'question', '\n', 'answer', '']`. */
  readonly parts: readonly string[];
}

/** Columns that a text is made of, where the schema is not known yet: those in braces, or the one it names. */
export function templateColumns(text: string): string[] {
  const inBraces = [...text.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1]!);
  return inBraces.length > 0 ? inBraces : [text];
}

/**
 * A template has names of columns, or of their roles, in braces; anything else, and the name of an existing column, is a
 * plain column. Between them \n, \t and \\ are a line end, a tab and a backslash, wherever the template was written.
 */
export function parseTemplate(text: string, schema: Schema, roles: Roles = {}): TextTemplate | undefined {
  if (!/\{[^{}]+\}/.test(text) || schema.fields.some((field) => field.name === text)) return undefined;
  const parts = text.split(/\{([^{}]+)\}/).map((part, i) => (i % 2 === 1 ? part : unescaped(part)));
  const columns = parts.filter((_, i) => i % 2 === 1).map((name) => columnMeant(schema, roles, name));
  return { columns, parts };
}

const escapes: Readonly<Record<string, string>> = { '\\n': '\n', '\\t': '\t', '\\\\': '\\' };

function unescaped(text: string): string {
  return text.replace(/\\[nt\\]/g, (pair) => escapes[pair] ?? pair);
}

/** What a null among the columns makes: nothing, or no text at all. */
export type OnNull = 'empty' | 'skip';

/**
 * The text of every row. A value is as write.jsonl writes it. A null is empty text, or with `skip` makes the whole text
 * null; so do nulls alone.
 */
export function renderTemplate(template: TextTemplate, columns: RecordBatch, onNull: OnNull = 'empty'): Data {
  const readers = template.columns.map((path) => pathTexts(columns, path));
  const texts = Array.from({ length: columns.numRows }, (_, row) => {
    const values = readers.map((read) => read(row));
    const isNull = (value: string | null) => value === null;
    if (onNull === 'skip' ? values.some(isNull) : values.every(isNull)) return null;
    return template.parts.map((part, i) => (i % 2 === 1 ? (values[(i - 1) / 2] ?? '') : part)).join('');
  });
  return vectorFromArray(texts, new Utf8()).data[0]!;
}

/** The rows in which no column of a template is null. */
export function completeRows(template: TextTemplate, columns: RecordBatch): Uint32Array {
  const readers = template.columns.map((path) => pathTexts(columns, path));
  const rows = Uint32Array.from({ length: columns.numRows }, (_, row) => row);
  return rows.filter((row) => readers.every((read) => read(row) !== null));
}

/** The texts of a column, or of one inside of structs: null where one of these is. */
function pathTexts(columns: RecordBatch, path: string): TextReader {
  const { fields } = columns.schema;
  const whole = fields.findIndex(({ name }) => name === path);
  if (whole >= 0) return cellTexts(fields[whole]!, columns.data.children[whole]!);
  return innerTexts(fields, columns.data.children, path.split('.'));
}

function innerTexts(
  fields: readonly Field[],
  children: readonly Data[],
  path: readonly string[],
): TextReader {
  const [first, ...rest] = path;
  const at = fields.findIndex(({ name }) => name === first);
  const [field, data] = [fields[at], children[at]];
  if (!field || !data) return () => null;
  if (rest.length === 0) return cellTexts(field, data);
  if (!DataType.isStruct(field.type)) return () => null;
  const read = innerTexts(field.type.children, data.children, rest);
  return (row) => (data.getValid(row) ? read(row) : null);
}

/** Reads a column's values, text exactly. */
export function cellReader(vector: Vector | null | undefined): (row: number) => unknown {
  if (!vector) return () => null;
  return isText(vector.type) ? textReader(vector) : (row) => vector.get(row);
}
