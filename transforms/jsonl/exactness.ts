import { DataType, type Field } from 'apache-arrow';
import type { NamedType } from './infer.js';
import type { Exactness } from './written-numbers.js';

/**
 * Which numbers of a line have to be kept as written for some columns: in columns of JSON and of text all digits count,
 * in columns of numbers their values; undefined where no column holds numbers.
 */
export function exactnessFor(
  fields: readonly Field[],
  types: Readonly<Record<string, NamedType>>,
): Exactness | undefined {
  const needs = fields.map((field) => (types[field.name] === 'string' ? 'digits' : exactnessOf(field)));
  return needs.find((need) => need === 'digits') ?? needs.find((need) => need !== undefined);
}

function exactnessOf({ type, metadata }: Field): Exactness | undefined {
  if (metadata.get('nag.json') === 'true') return 'digits';
  if (DataType.isInt(type) || DataType.isFloat(type)) return 'values';
  return DataType.isList(type) || DataType.isStruct(type) ? exactnessFor(type.children, {}) : undefined;
}
