import { DataError, messageOf, type Place } from '../../pipeline/errors.js';
import type { InvalidText, ParsedRow } from './convert.js';
import type { Line } from './lines.js';
import { type Exactness, parseExactly } from './written-numbers.js';

/** How many texts had to be made valid. */
export interface Repairs {
  texts: number;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The object on a line.
 * @param exactness which of its numbers are kept as written
 * Errors: DataError with file and line where there is none.
 */
export function parseLine(
  line: Line,
  file: string,
  invalidText: InvalidText,
  repairs: Repairs,
  exactness?: Exactness,
): ParsedRow {
  const place = { file, line: line.number };
  const text = decode(line, place, invalidText, repairs);
  const value = parse(text, place, exactness);
  if (value !== null && typeof value === 'object' && !Array.isArray(value) && text.trimStart()[0] === '{')
    return { value: value as Record<string, unknown>, place };
  throw new DataError(place, `expected a JSON object, found ${text.slice(0, 40)}`);
}

/** What `work` gives; lists in lists without end are no data. */
export function withoutOverflow<T>(place: Place, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DataError(place, 'has lists or objects nested too deeply to be read', { cause });
  }
}

function parse(text: string, place: Place, exactness: Exactness | undefined): unknown {
  try {
    return withoutOverflow(place, () => parseExactly(text, exactness));
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(place, `is not JSON: ${messageOf(error)}; expected one JSON object a line`, {
      cause: error,
    });
  }
}

function decode(line: Line, place: Place, invalidText: InvalidText, repairs: Repairs): string {
  try {
    return strict.decode(line.bytes);
  } catch (error) {
    if (invalidText === 'fail') {
      throw new DataError(place, 'is not valid UTF-8; convert the file, or set invalid_text: replace', {
        cause: error,
      });
    }
    repairs.texts++;
    return lenient.decode(line.bytes);
  }
}
