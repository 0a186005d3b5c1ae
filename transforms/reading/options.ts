import { z } from 'zod';
import { type Facts, path } from '../../pipeline/component.js';
import type { Condition } from './condition.js';
import type { OnNull } from './text-template.js';
import { whereOption } from './where.js';

/** Of files in folders that name columns. */
export const hiveOption = z
  .boolean()
  .optional()
  .describe(
    'Columns from folders named column=value: by default from those below the folder or glob that path names; true: from all of the path, false: from none',
  );

/** Options that every source of documents has. */
export const readingOptions = {
  path: z
    .union([path(), z.array(path()).min(1)])
    .describe('Files: paths or globs, read in the order of their names'),
  format: z
    .enum(['web', 'final'])
    .default('web')
    .describe('Names of the columns: web = docid, doc, token_num; final = meta.docid, content_split'),
  columns: z
    .strictObject({
      docid: z.string().min(1).optional(),
      text: z.string().min(1).optional(),
      tokens: z.string().min(1).optional(),
    })
    .default({})
    .describe(
      'Columns (a.b for nested ones) instead of the format\'s; text may be a template such as "{question}\\n{answer}", of values as write.jsonl writes them',
    ),
  on_null: z
    .enum(['empty', 'skip'])
    .default('empty')
    .describe('A null in a column of a text template: empty text, or leave the row out'),
  where: whereOption.default({}),
} as const;

/** What the rows that a source gives depend on, besides its files. */
export function readingFacts({ format, columns, where, on_null }: ReadingOptions): Facts {
  const { docid, text } = columns;
  const facts = { format, columns: { docid, text }, where };
  return text !== undefined && /\{[^{}]+\}/.test(text) ? { ...facts, on_null: on_null ?? 'empty' } : facts;
}

export interface ReadingOptions {
  readonly path: string | readonly string[];
  readonly format: 'web' | 'final';
  readonly columns: {
    readonly docid?: string | undefined;
    readonly text?: string | undefined;
    readonly tokens?: string | undefined;
  };
  readonly on_null?: OnNull | undefined;
  readonly where: Readonly<Record<string, Condition>>;
}
