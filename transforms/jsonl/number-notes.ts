import type { Context } from '../../pipeline/component.js';
import { type Place, placeText } from '../../pipeline/errors.js';
import type { Conversion } from './convert.js';

export type NumberNotes = Required<Pick<Conversion, 'nonFinite' | 'rounded'>>;

/** For rows that are looked at, and not read. */
export const silence = { replaced: () => undefined, nonFinite: () => undefined, rounded: () => undefined };

/** Each of them once, with the first place: there may be as many as rows. */
export function numberNotes(context: Context): NumberNotes {
  const noted = new Set<string>();
  const note = (what: string, place: Place, text: string) => {
    if (noted.has(what)) return;
    noted.add(what);
    context.note(`${placeText(place)}: ${text}`);
  };
  return {
    nonFinite: (place, became) =>
      note(
        became,
        place,
        became === 'number'
          ? 'NaN or Infinity, which JSON does not have, is read as that number, here and where else it is found'
          : 'NaN or Infinity becomes null in a column of JSON, here and where else it is found',
      ),
    rounded: (place, written) =>
      note(
        'rounded',
        place,
        `${written} has more digits than a 64-bit float; it is read as the nearest, as others like it; types: {${place.column}: json} would keep the digits`,
      ),
  };
}
