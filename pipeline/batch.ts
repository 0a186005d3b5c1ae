import {
  type Data,
  DataType,
  Field,
  makeData,
  Null,
  RecordBatch,
  Schema,
  Struct,
  Vector,
} from 'apache-arrow';
import { gatherBatch } from './arrow/gather.js';
import { nullData } from './arrow/null-data.js';
import { rowRange } from './arrow/row-range.js';
import { schemaNote } from './columns-note.js';
import type { Needs } from './component.js';
import { DataError, type Place } from './errors.js';
import { noColumn } from './nearest.js';

/** A part of a source's input that is listed before the run: a run of row groups of a file, or a whole file. */
export interface Bundle {
  /** Place in the fixed order of everything that the pipeline reads; appended files come after what was there. */
  readonly ordinal: number;
  readonly file: string;
  /** The file's path below the folder or glob that named it; without it, its base name. */
  readonly name?: string;
  /** What its rows depend on besides the file's content, as on the names of folders. */
  readonly partition?: string;
  /** Row of the file at which the bundle starts, from 0. */
  readonly firstRow: number;
  /** Rows in the bundle before any filter; undefined where only reading would tell. */
  readonly rows: number | undefined;
  /** Bytes that reading the bundle costs, for progress where rows are not known. */
  readonly bytes: number;
}

/** What a column means to the stages, whatever it is called in the files. Values are column paths (`meta.docid`). */
export interface Roles {
  readonly docid?: string | undefined;
  readonly text?: string | undefined;
  readonly tokens?: string | undefined;
}

export type Role = keyof Roles;

/**
 * Rows on their way through a segment: Arrow columns, and where each row came from. All rows are from one bundle.
 * Columns that a stage does not know pass through it. A name that starts with `#` is internal and never written.
 */
export interface Batch {
  readonly columns: RecordBatch;
  readonly bundle: Bundle;
  /** For each row its number within the bundle, from 0. */
  readonly rows: Uint32Array;
  /** Columns that stages have added or changed; all others can be read again from the source. */
  readonly computed: ReadonlySet<string>;
  /** Columns that stages have removed; those of them that the source has must not come back when it is read again. */
  readonly removed: ReadonlySet<string>;
  /**
   * Those of `computed` that stages make for one another, such as token ids. Where the source has a column of the same
   * name, it comes back once they are removed.
   */
  readonly temporary?: ReadonlySet<string>;
  readonly roles: Roles;
}

const bundleStride = 2 ** 32;

/** Place of a row in the input order of the whole pipeline: an exact integer, `ordinal · 2^32 + row`. */
export function inputOrder(batch: Batch, row: number): number {
  return batch.bundle.ordinal * bundleStride + batch.rows[row]!;
}

/** The bundle's ordinal and the row within it of an `inputOrder`. */
export function fromInputOrder(order: number): { ordinal: number; row: number } {
  return { ordinal: Math.floor(order / bundleStride), row: order % bundleStride };
}

/** Where a row stands in the user's files. */
export function placeOf(batch: Batch, row: number, column?: string): Place {
  return { file: batch.bundle.file, row: batch.bundle.firstRow + batch.rows[row]!, column };
}

/** A column by name or by path into structs (`meta.docid`); undefined where there is none. */
export function findColumn(columns: RecordBatch, path: string): Vector | null | undefined {
  const whole = columns.getChild(path);
  if (whole) return whole;
  const [first, ...rest] = path.split('.');
  return rest.reduce<Vector | null | undefined>(
    (vector, name) => vector?.getChild(name),
    columns.getChild(first!),
  );
}

/**
 * The column that a user names: by its name or path, or where there is none of that name by the role that it plays. Where
 * no file has rows that would tell, it is there, of nulls.
 */
export function namedColumn({ columns, roles }: Batch, name: string): Vector | null | undefined {
  const own = findColumn(columns, name);
  const played = roleNamed(roles, name);
  const found = own || played === undefined ? own : findColumn(columns, played);
  return found ?? (isAssumed(columns.schema) ? new Vector([nullData(new Null(), columns.numRows)]) : found);
}

/** Key of a schema's metadata: nothing was read that tells which columns there are. */
const assumedKey = 'nag.assumed';

/** A schema of files without rows, which may have any other columns too. */
export function assumedSchema({ fields }: Schema): Schema {
  return new Schema(fields, new Map([[assumedKey, 'true']]));
}

export function isAssumed({ metadata }: Schema): boolean {
  return metadata.has(assumedKey);
}

/** The column that plays the role of this name, where it is one. */
export function roleNamed(roles: Roles, name: string): string | undefined {
  return Object.hasOwn(roles, name) ? roles[name as Role] : undefined;
}

/** The name of the column that a user means: the same, or where a schema has none of it that of the role. */
export function columnMeant(schema: Schema, roles: Roles, name: string): string {
  return hasColumn(schema, name) ? name : (roleNamed(roles, name) ?? name);
}

/** Whether a schema has a column of this name or path. */
export function hasColumn(schema: Schema, path: string): boolean {
  const [first, ...rest] = path.split('.');
  const inside = rest.reduce<Field | undefined>(
    (field, name) =>
      DataType.isStruct(field?.type) ? field.type.children.find((f) => f.name === name) : undefined,
    schema.fields.find((field) => field.name === first),
  );
  return inside !== undefined || schema.fields.some((field) => field.name === path);
}

/** The column that plays a role. Throws a `DataError` that names the file and the option where there is none. */
export function roleColumn(batch: Batch, role: Role): { vector: Vector; name: string } {
  const name = batch.roles[role];
  const vector = name === undefined ? undefined : findColumn(batch.columns, name);
  if (name === undefined || !vector) {
    const wanted =
      name === undefined
        ? `no column is mapped to "${role}"${schemaNote(batch.columns.schema)}`
        : noColumn(name, batch.columns.schema, role);
    throw new DataError(
      { file: batch.bundle.file },
      `${wanted}; name the right one with columns: {${role}: …} on the source, or format`,
    );
  }
  return { vector, name };
}

export interface ColumnOptions {
  readonly nullable?: boolean;
  readonly metadata?: Map<string, string>;
  /** It is there for stages that follow, and a column of the source of the same name is kept aside meanwhile. */
  readonly temporary?: boolean;
}

/** The batch with a column added or replaced. `data` holds one value a row. */
export function withColumn(given: Batch, name: string, data: Data, options: ColumnOptions = {}): Batch {
  if (data.length !== given.rows.length)
    throw new RangeError(`column ${name}: ${data.length} values for ${given.rows.length} rows`);
  const batch = options.temporary && !given.computed.has(name) ? setAside(given, name) : given;
  const field = new Field(name, data.type, options.nullable ?? true, options.metadata);
  const { fields } = batch.columns.schema;
  const at = fields.findIndex((known) => known.name === name);
  const place = at < 0 ? fields.length : at;
  const columns = assemble(
    batch.columns,
    splice(fields, place, field),
    splice(batch.columns.data.children, place, data),
  );
  return { ...batch, columns, computed: new Set([...batch.computed, name]) };
}

/**
 * The batch without some of its columns. Names that it does not have count as removed too: the source may have such a
 * column that was not read.
 */
export function withoutColumns(batch: Batch, names: readonly string[]): Batch {
  const { fields } = batch.columns.schema;
  const temporary = batch.temporary ?? nothing;
  const lasting = names.filter((name) => !temporary.has(name));
  const kept = fields.flatMap((field, i) => (names.includes(field.name) ? [] : [i]));
  const without = {
    ...batch,
    columns: kept.length === fields.length ? batch.columns : selectColumns(batch.columns, kept),
    computed: new Set([...batch.computed].filter((name) => !names.includes(name))),
    removed: new Set([...batch.removed, ...lasting]),
  };
  const ended = names.filter((name) => temporary.has(name));
  if (ended.length === 0) return without;
  const back = ended.reduce<Batch>((out, name) => renamed(out, asideOf(name), name), without);
  return { ...back, temporary: new Set([...temporary].filter((name) => !ended.includes(name))) };
}

const nothing: ReadonlySet<string> = new Set();

/** Hidden name of the source's column while stages use its name. */
const asideOf = (name: string) => `#own ${name} of the source`;

function setAside(batch: Batch, name: string): Batch {
  return {
    ...renamed(batch, name, asideOf(name)),
    temporary: new Set([...(batch.temporary ?? nothing), name]),
  };
}

function renamed(batch: Batch, from: string, to: string): Batch {
  const { fields } = batch.columns.schema;
  if (!fields.some(({ name }) => name === from)) return batch;
  const own = fields.map((field) =>
    field.name === from ? new Field(to, field.type, field.nullable, field.metadata) : field,
  );
  return { ...batch, columns: assemble(batch.columns, own, batch.columns.data.children) };
}

/** The batch without source columns that are not asked for. They are not lost: they can be read again. */
export function onlyNeeded(batch: Batch, needs: Needs): Batch {
  if (needs.columns === 'all') return batch;
  const roles = [...(needs.roles ?? []), ...(needs.optionalRoles ?? [])].flatMap(
    (role) => batch.roles[role] ?? [],
  );
  const { fields } = batch.columns.schema;
  const named = (needs.columns ?? []).map((name) => columnMeant(batch.columns.schema, batch.roles, name));
  const aside = [...(batch.temporary ?? nothing)].filter((name) => named.includes(name)).map(asideOf);
  const paths = [...roles, ...named, ...aside];
  const kept = fields.flatMap(({ name }, i) =>
    batch.computed.has(name) || paths.some((path) => path === name || path.startsWith(`${name}.`)) ? [i] : [],
  );
  if (kept.length === fields.length) return batch;
  // Columns of a batch share one buffer: what stays is copied, or it would keep what goes.
  const everyRow = rowRange(0, batch.rows.length);
  return { ...batch, columns: gatherBatch(selectColumns(batch.columns, kept), everyRow) };
}

/** Only the rows at `positions` (into the batch, ascending). All rows: the same batch. */
export function keepRows(batch: Batch, positions: Uint32Array): Batch {
  if (positions.length === batch.rows.length) return batch;
  return {
    ...batch,
    columns: gatherBatch(batch.columns, positions),
    rows: positions.map((i) => batch.rows[i]!),
  };
}

/** No rows of a schema. */
export function emptyColumns(schema: Schema): RecordBatch {
  const children = schema.fields.map(({ type }) => nullData(type, 0));
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: 0, nullCount: 0, children }),
  );
}

/** The columns at some positions of a record batch. */
export function selectColumns(columns: RecordBatch, positions: readonly number[]): RecordBatch {
  const { fields } = columns.schema;
  return assemble(
    columns,
    positions.map((i) => fields[i]!),
    positions.map((i) => columns.data.children[i]!),
  );
}

function assemble(like: RecordBatch, fields: readonly Field[], children: readonly Data[]): RecordBatch {
  const type = new Struct(fields as Field[]);
  const data = makeData({ type, length: like.numRows, nullCount: 0, children: children as Data[] });
  return new RecordBatch(new Schema(fields as Field[], like.schema.metadata), data);
}

function splice<T>(values: readonly T[], at: number, value: T): T[] {
  return [...values.slice(0, at), value, ...values.slice(at + 1)];
}
