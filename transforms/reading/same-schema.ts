import { type Field, Schema } from 'apache-arrow';
import { sameType } from '../../pipeline/arrow/parquet-types.js';
import { unifyFields } from '../../pipeline/arrow/unify.js';
import type { Context, Reject } from '../../pipeline/component.js';
import { DataError } from '../../pipeline/errors.js';
import { type Conflict, pruned, type United, uniteSchemas } from '../../pipeline/unite.js';

interface File {
  readonly path: string;
  readonly schema: Schema;
  readonly rows: number;
}

/**
 * What the files of a pool are read as: `uniteSchemas` of all of them. A column for which there is no common type is left
 * out where nobody asks for it. Where somebody does, files that differ from most are rejected, or the run is refused.
 * @param asked paths of columns that will be read; undefined: all
 * Errors: DataError naming the column, its types and two files.
 */
export function uniteFiles<F extends File>(
  files: readonly F[],
  asked: ReadonlySet<string> | undefined,
  context: Pick<Context, 'tolerant' | 'reject' | 'note'>,
): { files: readonly F[]; schema: Schema } {
  const whole = unite(files);
  if (whole.conflicts.size === 0) return { files, schema: whole.schema };
  // Of a struct whose parts differ, those that are read may be alike.
  const narrowed = asked
    ? unite(files.map((file) => ({ ...file, schema: onlyAsked(file.schema, whole.conflicts, asked) })))
    : whole;
  const [conflict] = narrowed.conflicts;
  if (!conflict) {
    for (const [name, { text, name: file }] of whole.conflicts)
      context.note(
        `column "${name}" ${text.replace('here', `in ${file}`)}: it is not read, as no stage needs it`,
      );
    return { files, schema: narrowed.schema };
  }
  const [column, found] = conflict;
  if (!context.tolerant) throw new DataError({ file: found.name, column }, differs(found));
  const alike = commonest(files, column, context.reject);
  return uniteFiles(alike, asked, context);
}

function unite(files: readonly File[]): United {
  return uniteSchemas(files.map(({ path, schema }) => ({ name: path, schema })));
}

function differs({ text }: Conflict): string {
  return `${text}, and no type holds the values of both; leave the column out (columns: on the sink), or read the files in two sources with a sink each`;
}

/** The schema without columns that nobody asks for, as far as files do not agree on them. */
function onlyAsked(
  schema: Schema,
  conflicts: ReadonlyMap<string, Conflict>,
  asked: ReadonlySet<string>,
): Schema {
  const fields = schema.fields.flatMap((field) =>
    conflicts.has(field.name) ? (pruned(field, field.name, asked) ?? []) : field,
  );
  return new Schema(fields, schema.metadata);
}

/** The files that agree with most others on a column; the others are rejected. */
function commonest<F extends File>(files: readonly F[], column: string, reject: Reject): F[] {
  const kinds: { field: Field; path: string; files: F[] }[] = [];
  const without: F[] = [];
  for (const file of files) {
    const field = file.schema.fields.find(({ name }) => name === column);
    const kind = field && kinds.find((known) => unifyFields(known.field, field) !== undefined);
    if (!field) without.push(file);
    else if (!kind) kinds.push({ field, path: file.path, files: [file] });
    else {
      kind.files.push(file);
      kind.field = unifyFields(kind.field, field)!;
    }
  }
  const most = kinds.reduce((best, kind) => (kind.files.length > best.files.length ? kind : best));
  for (const { field, files: others } of kinds.filter((kind) => kind !== most)) {
    const text = `is ${String(field.type)} here and ${String(most.field.type)} in ${most.path}`;
    for (const { path, rows } of others)
      reject({ file: path, column }, differs({ name: path, text }), { rows });
  }
  const kept = new Set([...most.files, ...without]);
  return files.filter((file) => kept.has(file));
}

/** How a schema differs from another in names, order or types; undefined where not. */
export function differenceOf(first: Schema, other: Schema): string | undefined {
  const types = new Map(first.fields.map((field) => [field.name, field.type]));
  const missing = first.fields.find((field) => !other.fields.some((f) => f.name === field.name));
  if (missing) return `column "${missing.name}" is missing`;
  const extra = other.fields.find((field) => !types.has(field.name));
  if (extra) return `column "${extra.name}" is not in the first`;
  const changed = other.fields.find((field) => !sameType(types.get(field.name)!, field.type));
  if (changed)
    return `column "${changed.name}" is ${String(changed.type)}, and ${String(types.get(changed.name))} in the first`;
  const moved = other.fields.find((field, i) => first.fields[i]!.name !== field.name);
  return moved ? `column "${moved.name}" stands at another place` : undefined;
}
