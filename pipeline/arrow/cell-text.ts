import { type Data, type Field, Vector } from 'apache-arrow';
import { columnWriter } from './json-row.js';
import { isText, type TextReader, textReader } from './text.js';

/**
 * The values of a column as text: text as it is, all others as write.jsonl writes them, less the quotes of dates and
 * the like; null where that is null.
 * Throws a `NagError` for a column that has no sensible JSON.
 */
export function cellTexts(field: Field, data: Data): TextReader {
  if (isText(field.type) && field.metadata.get('nag.json') !== 'true') return textReader(new Vector([data]));
  const write = columnWriter(field, data, { column: field.name, onNonFinite: () => undefined });
  return (row) => {
    const json = write(row);
    if (json === 'null') return null;
    return json.startsWith('"') ? String(JSON.parse(json)) : json;
  };
}
