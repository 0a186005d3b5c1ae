import leven from 'leven';

/** `, did you mean "stages"?` where one of the known names is near, otherwise the names that there are. */
export function didYouMean(found: string, known: Iterable<string>): string {
  const names = [...known];
  const name = nearest(found, names);
  if (name !== undefined) return `, did you mean "${name}"?`;
  return names.length > 0 ? ` (there are: ${names.join(', ')})` : '';
}

/** The known name that was probably meant: few letters differ, and not most of them. */
export function nearest(found: string, known: Iterable<string>): string | undefined {
  const near = [...known]
    .map((name) => ({ name, distance: leven(found.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const limit = found.length < 3 ? 1 : Math.max(2, Math.floor(found.length / 3));
  return near && near.distance <= limit && near.distance < found.length ? near.name : undefined;
}

/** What to say of a column that is not there: the one that was probably meant, and all that there are. */
export function noColumn(found: string, columns: readonly string[], role?: string): string {
  const name = nearest(found, columns);
  const hint = name === undefined ? '' : `, did you mean "${name}"?`;
  const wanted = role === undefined ? '' : ` for "${role}"`;
  return `there is no column "${found}"${wanted}${hint} (columns: ${columns.join(', ')})`;
}
