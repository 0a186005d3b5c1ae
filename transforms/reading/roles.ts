import { type DataType, type Schema, Struct } from 'apache-arrow';
import { isWritable } from '../../pipeline/arrow/json-row.js';
import type { Role, Roles } from '../../pipeline/batch.js';
import type { Context, Needs } from '../../pipeline/component.js';
import { DataError } from '../../pipeline/errors.js';
import { noColumn } from '../../pipeline/nearest.js';
import type { ReadingOptions } from './options.js';
import { parseTemplate, type TextTemplate, templateColumns } from './text-template.js';

/** The column that holds the text a template makes. */
export const templateColumn = '#text';

/** The columns of each format. */
export const presets: Record<ReadingOptions['format'], Required<Roles>> = {
  web: { docid: 'docid', text: 'doc', tokens: 'token_num' },
  final: { docid: 'meta.docid', text: 'content_split', tokens: 'token_num' },
};

/** How the roles of a source map to its columns. */
export interface RoleMapping {
  readonly roles: Roles;
  readonly template: TextTemplate | undefined;
  /** Rows are left out in which a column of the template is null. */
  readonly skipNulls: boolean;
}

/** Maps roles to columns; a column that the user named must be there, one of a preset is missed only when used. */
export function mapRoles(options: ReadingOptions, schema: Schema, file: string): RoleMapping {
  const named = options.columns;
  const preset = presets[options.format];
  const { docid = preset.docid, tokens = preset.tokens } = named;
  const template =
    named.text === undefined ? undefined : parseTemplate(named.text, schema, { docid, tokens });
  const wanted = [named.docid, named.tokens, ...(template ? template.columns : [named.text])];
  for (const column of wanted) if (column !== undefined) requireColumn(schema, column, file);
  for (const column of template?.columns ?? []) requireText(schema, column, file);
  return {
    roles: { docid, text: template ? templateColumn : (named.text ?? preset.text), tokens },
    template,
    skipNulls: template !== undefined && options.on_null === 'skip',
  };
}

/** Paths of all columns that a source may be asked for, by its own options too; undefined for all. */
export function askedColumns(
  options: Pick<ReadingOptions, 'columns' | 'format' | 'where'>,
  needed: Needs | undefined,
): ReadonlySet<string> | undefined {
  if (!needed || needed.columns === 'all') return undefined;
  const named = options.columns;
  const text = named.text === undefined ? [] : templateColumns(named.text);
  const roles = { ...presets[options.format], ...named };
  const asked = [...(needed.roles ?? []), ...(needed.optionalRoles ?? [])];
  const played = (role: Role) => (role === 'text' && text.length > 0 ? text : (roles[role] ?? []));
  return new Set([
    ...[named.docid, named.tokens].filter((name) => name !== undefined),
    ...text,
    ...asked.flatMap(played),
    // The name of a role asks for its column where none has this name.
    ...[...(needed.columns ?? []), ...Object.keys(options.where)].flatMap((name) => [
      name,
      ...(Object.hasOwn(roles, name) ? played(name as Role) : []),
    ]),
  ]);
}

/** Columns of which documents and their ids are made. */
export function columnsOfDocuments(mapping: RoleMapping): string[] {
  return [...columnsOf('docid', mapping), ...columnsOf('text', mapping)];
}

function requireText(schema: Schema, column: string, file: string): void {
  const type = typeOf(schema, column)!;
  if (isWritable(type)) return;
  throw new DataError(
    { file, column },
    `${String(type)} has no text that a template could hold; leave the column out of the template`,
  );
}

/** Columns to read for what stages need, besides those of `where`; undefined for all. */
export function neededColumns(
  needs: Needs,
  mapping: RoleMapping,
  schema: Schema,
  file: string,
): string[] | undefined {
  if (needs.columns === 'all') return undefined;
  const roles = [
    ...(needs.roles ?? []),
    ...(needs.optionalRoles ?? []).filter((role) => hasRole(role, mapping, schema)),
  ];
  const columns = [
    ...roles.flatMap((role) => columnsOf(role, mapping)),
    ...(needs.columns ?? []),
    ...(mapping.skipNulls ? mapping.template!.columns : []),
  ];
  for (const column of columns) requireColumn(schema, column, file, needs);
  return [...new Set(columns)];
}

/** Tells of columns that no output will have: names that start with # are the program's own. */
export function noteHidden(schema: Schema, context: Context): void {
  const hidden = schema.fields.map(({ name }) => name).filter((name) => name.startsWith('#'));
  if (hidden.length > 0)
    context.note(`columns whose names start with # are not written (${hidden.join(', ')}); rename them`);
}

/** Whether the text column has to be made from its template for these needs. */
export function needsTemplate(needs: Needs, mapping: RoleMapping): boolean {
  return (
    mapping.template !== undefined &&
    [...(needs.roles ?? []), ...(needs.optionalRoles ?? [])].includes('text')
  );
}

function columnsOf(role: Role, { roles, template }: RoleMapping): readonly string[] {
  if (role === 'text' && template) return template.columns;
  const column = roles[role];
  return column === undefined ? [] : [column];
}

function hasRole(role: Role, mapping: RoleMapping, schema: Schema): boolean {
  return columnsOf(role, mapping).every((column) => typeOf(schema, column) !== undefined);
}

/** Type of a column by name or by a path into structs. */
export function typeOf(schema: Schema, path: string): DataType | undefined {
  const whole = schema.fields.find((field) => field.name === path);
  if (whole) return whole.type;
  const [first, ...rest] = path.split('.');
  const start = schema.fields.find((field) => field.name === first)?.type;
  return rest.reduce<DataType | undefined>(
    (type, name) =>
      type instanceof Struct ? type.children.find((child) => child.name === name)?.type : undefined,
    start,
  );
}

/** Throws where a column is missing; says which columns there are and, for a role, how to name another. */
export function requireColumn(schema: Schema, column: string, file: string, needs?: Needs): void {
  if (typeOf(schema, column) !== undefined) return;
  const hint = needs ? '; name the right one with columns: {docid, text, tokens} or format' : '';
  throw new DataError({ file }, `${noColumn(column, schema)}${hint}`);
}
