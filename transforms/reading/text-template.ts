import { type Data, type RecordBatch, type Schema, Utf8, type Vector, vectorFromArray } from 'apache-arrow';
import { isText, textReader } from '../../pipeline/arrow/text.js';
import { findColumn } from '../../pipeline/batch.js';

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

/** A template has column names in braces; anything else, and the name of an existing column, is a plain column. */
export function parseTemplate(text: string, schema: Schema): TextTemplate | undefined {
  if (!/\{[^{}]+\}/.test(text) || schema.fields.some((field) => field.name === text)) return undefined;
  const parts = text.split(/\{([^{}]+)\}/);
  return { columns: parts.filter((_, i) => i % 2 === 1), parts };
}

/** The text of every row; null where one of the columns is null. */
export function renderTemplate(template: TextTemplate, columns: RecordBatch): Data {
  const parts = template.parts.map((part, i) =>
    i % 2 === 1 ? cellReader(findColumn(columns, part)) : () => part,
  );
  const texts = Array.from({ length: columns.numRows }, (_, row) => {
    const values = parts.map((read) => read(row));
    return values.some((value) => value === null || value === undefined) ? null : values.map(String).join('');
  });
  return vectorFromArray(texts, new Utf8()).data[0]!;
}

/** Reads a column's values, text exactly. */
export function cellReader(vector: Vector | null | undefined): (row: number) => unknown {
  if (!vector) return () => null;
  return isText(vector.type) ? textReader(vector) : (row) => vector.get(row);
}
