import type { Schema } from 'apache-arrow';
import { DataError } from '../../pipeline/errors.js';

/** The schema that all files share. Throws with the first difference, naming both files. */
export function requireSameSchema(
  files: readonly { readonly path: string; readonly schema: Schema }[],
): Schema {
  const [first, ...others] = files;
  if (!first) throw new RangeError('no files');
  for (const other of others) {
    const difference = differenceOf(first.schema, other.schema);
    if (difference !== undefined) {
      throw new DataError(
        { file: other.path },
        `its columns differ from those of ${first.path}: ${difference}; read the files in two stages, or write them alike`,
      );
    }
  }
  return first.schema;
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
