import {
  Data,
  DataType,
  Dictionary,
  Field,
  FixedSizeList,
  List,
  RecordBatch,
  Schema,
  Struct,
} from 'apache-arrow';
import { convertData } from './arrow/convert.js';
import { InexactValue } from './arrow/convert-numbers.js';
import { nullData } from './arrow/null-data.js';
import { sameType } from './arrow/parquet-types.js';
import { asNullable, deliveredField, unifyFields } from './arrow/unify.js';
import { DataError, NagError } from './errors.js';

/** A schema, and the file or stage that has it. */
export interface NamedSchema {
  readonly name: string;
  readonly schema: Schema;
}

/** What several schemas have in common. */
export interface United {
  /** The columns of all by name, in the order in which they first come, each of a type that takes the values of all. */
  readonly schema: Schema;
  /** Columns for which there is no such type, and why; they are not in the schema. */
  readonly conflicts: ReadonlyMap<string, Conflict>;
}

/** Two types of a column that no type holds both. */
export interface Conflict {
  /** Which of the schemas differs from one before it. */
  readonly name: string;
  /** `is Int64 here and Utf8 in a.parquet` */
  readonly text: string;
}

/** Unites schemas: columns by name; one that some of them lack is null there. */
export function uniteSchemas(parts: readonly NamedSchema[]): United {
  const [first, ...others] = parts;
  if (!first) throw new RangeError('no schemas');
  if (others.length === 0) return { schema: deliveredSchema(first.schema), conflicts: new Map() };
  const conflicts = new Map<string, Conflict>();
  const fields = new Map<string, { field: Field; from: NamedSchema; count: number }>();
  for (const part of parts) {
    for (const field of part.schema.fields) {
      const before = fields.get(field.name);
      const united = before ? unifyFields(before.field, field) : deliveredField(field);
      if (conflicts.has(field.name)) continue;
      if (!united) conflicts.set(field.name, conflictOf(before!.field, before!.from, field, part));
      else
        fields.set(field.name, {
          field: united,
          from: before?.from ?? part,
          count: (before?.count ?? 0) + 1,
        });
    }
  }
  const common = [...fields.values()].filter(({ field }) => !conflicts.has(field.name));
  const united = common.map(({ field, count }) => (count === parts.length ? field : asNullable(field)));
  return { schema: new Schema(numbered(united), first.schema.metadata), conflicts };
}

function deliveredSchema(schema: Schema): Schema {
  const fields = schema.fields.map(deliveredField);
  return fields.every((field, i) => field === schema.fields[i])
    ? schema
    : new Schema(fields, schema.metadata);
}

function conflictOf(a: Field, from: NamedSchema, b: Field, { name }: NamedSchema): Conflict {
  return { name, text: `is ${typeText(b)} here and ${typeText(a)} in ${from.name}` };
}

function typeText({ type, metadata }: Field): string {
  return metadata.get('nag.json') === 'true' ? 'JSON of several types' : String(type);
}

/** Dictionaries are told apart by their numbers: those of several files have numbers of their own. */
function numbered(fields: readonly Field[]): Field[] {
  let next = 0;
  const number = (field: Field): Field => {
    const { type } = field;
    if (DataType.isDictionary(type))
      return withType(field, new Dictionary(type.dictionary, type.indices, next++, type.isOrdered));
    if (DataType.isStruct(type)) return withType(field, new Struct(type.children.map(number)));
    if (DataType.isList(type)) return withType(field, new List(number(type.children[0]!)));
    if (!DataType.isFixedSizeList(type)) return field;
    return withType(field, new FixedSizeList(type.listSize, number(type.children[0]!)));
  };
  return fields.map(number);
}

function withType(field: Field, type: DataType): Field {
  return new Field(field.name, type, field.nullable, field.metadata);
}

/** Where the rows of a batch are from. */
export interface RowsOfFile {
  readonly file: string;
  /** The row of the file of a row of the batch. */
  rowAt(row: number): number;
}

/**
 * A batch with these columns, in this order: its own where it has them, as the types that are asked for, otherwise nulls.
 * Errors: DataError for a value that does not fit, as of `convertData`.
 */
export function conform(columns: RecordBatch, fields: readonly Field[], from?: RowsOfFile): RecordBatch {
  const own = columns.schema.fields;
  const found = fields.map((field, i) =>
    own[i]?.name === field.name ? i : own.findIndex(({ name }) => name === field.name),
  );
  const isSame = (field: Field, i: number) => found[i] === i && isAlike(own[i]!, field);
  if (own.length === fields.length && fields.every(isSame)) return columns;
  const children = fields.map((field, i) => {
    const data = columns.data.children[found[i]!];
    if (!data) return nullData(field.type, columns.numRows);
    return convertedColumn(data, field, from);
  });
  const named = fields.map((field, i) => {
    const metadata = own[found[i]!]?.metadata;
    return metadata && metadata.size > 0
      ? new Field(field.name, field.type, field.nullable, metadata)
      : field;
  });
  const type = new Struct(named);
  return new RecordBatch(
    new Schema(named, columns.schema.metadata),
    new Data(type, 0, columns.numRows, 0, {}, children),
  );
}

/** A field with what is asked for of it: all, some of its fields, or undefined where nothing is. */
export function pruned(field: Field, path: string, asked: ReadonlySet<string>): Field | undefined {
  if (asked.has(path)) return field;
  if (!DataType.isStruct(field.type)) return undefined;
  const children = field.type.children.flatMap(
    (child) => pruned(child, `${path}.${child.name}`, asked) ?? [],
  );
  return children.length === 0
    ? undefined
    : new Field(field.name, new Struct(children), field.nullable, field.metadata);
}

/** Inside of nested columns something may differ that their types do not show. */
function isAlike(a: Field, b: Field): boolean {
  if (a.type === b.type) return a.nullable === b.nullable;
  const isPlain = !DataType.isDictionary(b.type) && !b.type.children;
  return isPlain && a.nullable === b.nullable && sameType(a.type, b.type);
}

function convertedColumn(data: Data, field: Field, from: RowsOfFile | undefined): Data {
  try {
    return convertData(data, field.type);
  } catch (cause) {
    if (!(cause instanceof NagError)) throw cause;
    const isPlain = !DataType.isDictionary(data.type) && !data.type.children;
    const row = isPlain && cause instanceof InexactValue ? from?.rowAt(cause.row) : undefined;
    throw new DataError({ file: from?.file, row, column: field.name }, cause.message, { cause });
  }
}
