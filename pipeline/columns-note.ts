/**
 * What a message about a missing column adds: ` (columns: a, b)`, without internal ones; nothing where the rows carry
 * none here, since only those that stages need are read.
 */
export function columnsNote(names: readonly string[]): string {
  const visible = names.filter((name) => !name.startsWith('#'));
  return visible.length === 0 ? '' : ` (columns: ${visible.join(', ')})`;
}

/** The same for the columns of a schema. */
export function schemaNote({ fields }: { readonly fields: readonly { readonly name: string }[] }): string {
  return columnsNote(fields.map(({ name }) => name));
}
