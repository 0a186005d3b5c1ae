import type { Schema } from 'apache-arrow';
import leven from 'leven';
import { schemaNote } from './columns-note.js';

/** `, did you mean "stages"?` where one of the known names is near, otherwise the names that there are. */
export function didYouMean(found: string, known: Iterable<string>): string {
  const names = [...known];
  return hintOf(found, names) ?? (names.length > 0 ? ` (there are: ${names.join(', ')})` : '');
}

function hintOf(found: string, names: readonly string[]): string | undefined {
  const name = nearest(found, names);
  if (name !== undefined) return `, did you mean "${name}"?`;
  const longer = names.filter((own) => found.length > 2 && own.startsWith(found));
  return longer.length > 0 ? `, did you mean ${longer.map((own) => `"${own}"`).join(' or ')}?` : undefined;
}

/** The known name that was probably meant: few letters differ, and not most of them. */
export function nearest(found: string, known: Iterable<string>): string | undefined {
  const near = [...known]
    .map((name) => ({ name, distance: leven(found.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (!near) return undefined;
  // Of short names two letters are half: they may only have changed places.
  const isShort = found.length < 5 && !sameLetters(found, near.name);
  const limit = isShort ? 1 : Math.max(2, Math.floor(found.length / 3));
  return near.distance <= limit && near.distance < found.length ? near.name : undefined;
}

function sameLetters(a: string, b: string): boolean {
  const letters = (text: string) => [...text.toLowerCase()].sort().join('');
  return letters(a) === letters(b);
}

/** What to say of a column that is not there: the one that was probably meant, and all that there are. */
export function noColumn(found: string, schema: Pick<Schema, 'fields'>, role?: string): string {
  const hint =
    hintOf(
      found,
      schema.fields.map(({ name }) => name),
    ) ?? '';
  const wanted = role === undefined ? '' : ` for "${role}"`;
  return `there is no column "${found}"${wanted}${hint}${schemaNote(schema)}`;
}
