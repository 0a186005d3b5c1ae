import { type DataType, DataType as Is, type RecordBatch, type Vector } from 'apache-arrow';
import { NagError } from '../pipeline/errors.js';

/** A function that writes a row of a batch as JSON text. */
export function jsonRow(batch: RecordBatch): (row: number) => string {
  const columns = batch.schema.fields.map((field) => {
    const vector = batch.getChild(field.name)!;
    return {
      key: JSON.stringify(field.name),
      write: isFeature(field.name, field.type) ? feature(vector) : cell(vector, field.metadata),
    };
  });
  return (row) => `{${columns.map(({ key, write }) => `${key}:${write(row)}`).join(',')}}`;
}

/** The layout of the reference implementation's feature files. */
function feature(vector: Vector): (row: number) => string {
  return (row) =>
    `{"layer_topk_value_index":${JSON.stringify(Array.from(vector.get(row) as Iterable<number>))}}`;
}

function isFeature(name: string, type: DataType): boolean {
  return name.endsWith('_feature') && Is.isFixedSizeList(type);
}

function cell(vector: Vector, metadata: ReadonlyMap<string, string>): (row: number) => string {
  // Text that was JSON when it was read goes out as that JSON.
  if (metadata.get('nag.json') === 'true') return (row) => String(vector.get(row) ?? 'null');
  return (row) => text(vector.get(row), vector.type);
}

function text(value: unknown, type: DataType): string {
  if (value === null || value === undefined) return 'null';
  if (Is.isDictionary(type)) return text(value, type.dictionary);
  if (Is.isDecimal(type) || typeof value === 'bigint') return exactNumber(value, type);
  if (typeof value === 'number' && Is.isTimestamp(type)) return JSON.stringify(new Date(value).toISOString());
  if (typeof value === 'number' && Is.isDate(type))
    return JSON.stringify(new Date(value).toISOString().slice(0, 10));
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : 'null';
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (Is.isBinary(type) || Is.isFixedSizeBinary(type) || Is.isLargeBinary(type))
    return JSON.stringify(Buffer.from(value as Uint8Array).toString('base64'));
  if (Is.isList(type) || Is.isFixedSizeList(type))
    return `[${Array.from(value as Iterable<unknown>, (item) => text(item, type.children[0]!.type)).join(',')}]`;
  if (Is.isStruct(type))
    return object(
      type.children.map((child) => [child.name, (value as Record<string, unknown>)[child.name], child.type]),
    );
  if (Is.isMap(type))
    return mapText(value, type.children[0]!.type as unknown as { children: { type: DataType }[] });
  throw new NagError(
    `a column of type ${String(type)} cannot be written as JSON; write Parquet, or leave it out`,
  );
}

/** 64-bit integers as they are: JSON has no limit of digits, and readers that have one can be told. */
function exactNumber(value: unknown, type: DataType): string {
  if (typeof value === 'bigint') return String(value);
  throw new NagError(
    `a column of type ${String(type)} cannot be written as JSON; write Parquet, or leave it out`,
  );
}

function object(entries: readonly (readonly [string, unknown, DataType])[]): string {
  return `{${entries.map(([name, value, type]) => `${JSON.stringify(name)}:${text(value, type)}`).join(',')}}`;
}

function mapText(value: unknown, entry: { children: { type: DataType }[] }): string {
  const valueType = entry.children[1]!.type;
  return object(
    Array.from(
      value as Iterable<[unknown, unknown]>,
      ([key, inner]) => [String(key), inner, valueType] as const,
    ),
  );
}
