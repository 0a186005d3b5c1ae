import { Field, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import type { Reject } from '../../pipeline/component.js';
import { DataError } from '../../pipeline/errors.js';

/**
 * The schema that all files share; a column may hold nulls where one of the files lets it. Throws with the first
 * difference in names, order or types, naming both files.
 */
export function requireSameSchema(
  files: readonly { readonly path: string; readonly schema: Schema }[],
): Schema {
  const [first, ...others] = files;
  if (!first) throw new RangeError('no files');
  for (const other of others) {
    const difference = differenceOf(first.schema, other.schema);
    if (difference !== undefined) throw new DataError({ file: other.path }, differs(first.path, difference));
  }
  const fields = first.schema.fields.map((field, i) =>
    withNulls(
      field,
      files.some(({ schema }) => schema.fields[i]!.nullable),
    ),
  );
  return new Schema(fields, first.schema.metadata);
}

/** The files that are alike in names, order and types of columns; where there are several kinds, those of the commonest. */
export function alikeFiles<
  File extends { readonly path: string; readonly schema: Schema; readonly rows: number },
>(files: readonly File[], reject: Reject): File[] {
  const kinds: File[][] = [];
  for (const file of files) {
    const kind = kinds.find(([first]) => differenceOf(first!.schema, file.schema) === undefined);
    if (kind) kind.push(file);
    else kinds.push([file]);
  }
  const alike = kinds.reduce((most, kind) => (kind.length > most.length ? kind : most));
  const [first] = alike;
  for (const { path, schema, rows } of files) {
    const difference = differenceOf(first!.schema, schema);
    if (difference !== undefined) reject({ file: path }, differs(first!.path, difference), { rows });
  }
  return alike;
}

function differs(first: string, difference: string): string {
  return `its columns differ from those of ${first}: ${difference}; read the files in two stages, or write them alike`;
}

/** A batch of one of the files, whose columns may hold nulls where those of `schema` may. */
export function withNullsOf(schema: Schema, columns: RecordBatch): RecordBatch {
  const nullable = new Map(schema.fields.map((field) => [field.name, field.nullable]));
  const fields = columns.schema.fields.map((field) => withNulls(field, nullable.get(field.name) ?? true));
  if (fields.every((field, i) => field === columns.schema.fields[i])) return columns;
  const { length, children } = columns.data;
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  return new RecordBatch(new Schema(fields, columns.schema.metadata), data);
}

function withNulls(field: Field, nullable: boolean): Field {
  return field.nullable === nullable ? field : new Field(field.name, field.type, nullable, field.metadata);
}

/** How a schema differs from another in names, order or types; undefined where not. */
export function differenceOf(first: Schema, other: Schema): string | undefined {
  const types = new Map(first.fields.map((field) => [field.name, String(field.type)]));
  const missing = first.fields.find((field) => !other.fields.some((f) => f.name === field.name));
  if (missing) return `column "${missing.name}" is missing`;
  const extra = other.fields.find((field) => !types.has(field.name));
  if (extra) return `column "${extra.name}" is not in the first`;
  const changed = other.fields.find((field) => types.get(field.name) !== String(field.type));
  if (changed)
    return `column "${changed.name}" is ${String(changed.type)}, and ${types.get(changed.name)} in the first`;
  const moved = other.fields.find((field, i) => first.fields[i]!.name !== field.name);
  return moved ? `column "${moved.name}" stands at another place` : undefined;
}
