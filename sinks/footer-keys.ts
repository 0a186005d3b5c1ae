import type { Schema } from 'apache-arrow';
import { sparkType } from './spark-type.js';

/** Adapts a key's value to the columns that are written; undefined where nothing of it is left. */
type Adapt = (value: Json, schema: Schema) => Json | undefined;

type Json = Record<string, unknown>;

/** Prefix of Spark's keys: of its version, and of the calendar and time zone that older versions wrote with. */
const SPARK = 'org.apache.spark.';

const adapted: Readonly<Record<string, Adapt>> = {
  huggingface: classLabels,
  pandas: pandasColumns,
  geo: geometries,
  'org.apache.spark.sql.parquet.row.metadata': sparkRow,
};

/**
 * Key-value pairs of the input's footer that readers need to see its columns as they were: datasets' features, pandas'
 * index and types, GeoParquet's geometries, Spark's types. Others say something of the whole input, and are not carried.
 * @param schema what is written, with the input's pairs as its metadata
 */
export function carriedKeys(schema: Schema): Record<string, string> {
  const carried: Record<string, string> = {};
  for (const [key, value] of schema.metadata) {
    const adapt = adapted[key];
    if (adapt) {
      const parsed = jsonObject(value);
      const own = parsed && adapt(parsed, schema);
      if (own) carried[key] = JSON.stringify(own);
    } else if (key.startsWith(SPARK)) carried[key] = value;
  }
  return carried;
}

/**
 * The first column whose numbers are labels of other classes in two inputs, which cannot be in one file; undefined where
 * there is none.
 */
export function relabelledColumn(first: Schema, other: Schema): string | undefined {
  const [a, b] = [first, other].map((schema) => schema.metadata.get('huggingface'));
  if (a === b || a === undefined || b === undefined) return undefined;
  const [own, others] = [featuresOf(jsonObject(a)), featuresOf(jsonObject(b))];
  return first.fields.find(({ name }) => {
    const [names, otherNames] = [classesOf(own[name]), classesOf(others[name])];
    return names !== undefined && otherNames !== undefined && names !== otherNames;
  })?.name;
}

function classesOf(feature: unknown): string | undefined {
  return isObject(feature) && Array.isArray(feature['names']) ? JSON.stringify(feature['names']) : undefined;
}

function featuresOf(value: Json | undefined): Json {
  const info = value?.['info'];
  const features = isObject(info) ? info['features'] : undefined;
  return isObject(features) ? features : {};
}

function classLabels(value: Json, schema: Schema): Json | undefined {
  const features = only(featuresOf(value), schema);
  return features && { info: { features } };
}

/** A range as index was that of other rows: without one pandas counts from 0. */
function pandasColumns(value: Json, schema: Schema): Json | undefined {
  const { index_columns: index, columns } = value;
  if (!Array.isArray(index) || !Array.isArray(columns)) return undefined;
  const names = new Set<unknown>(schema.fields.map(({ name }) => name));
  return {
    ...value,
    index_columns: index.filter((column) => names.has(column)),
    columns: columns.filter(
      (column) => isObject(column) && names.has(column['field_name'] ?? column['name']),
    ),
  };
}

/** Without the box around all geometries: there may be fewer now. */
function geometries(value: Json, schema: Schema): Json | undefined {
  const columns = isObject(value['columns']) ? only(value['columns'], schema) : undefined;
  if (!columns) return undefined;
  const withoutBox = Object.entries(columns).map(([name, column]) => {
    const { bbox, ...rest } = isObject(column) ? column : {};
    return [name, rest] as const;
  });
  const primary = String(value['primary_column']);
  return {
    ...value,
    primary_column: primary in columns ? primary : withoutBox[0]![0],
    columns: Object.fromEntries(withoutBox),
  };
}

/** Spark sees only columns that are named there: all must be, or it shall infer them. */
function sparkRow(value: Json, schema: Schema): Json | undefined {
  if (!Array.isArray(value['fields'])) return undefined;
  const known = new Map(value['fields'].filter(isObject).map((field) => [field['name'], field]));
  const fields = schema.fields.map((field) => {
    const type = sparkType(field.type);
    return known.get(field.name) ?? (type && { name: field.name, type, nullable: true, metadata: {} });
  });
  return fields.includes(undefined) ? undefined : { ...value, fields };
}

function only(values: Json, schema: Schema): Json | undefined {
  const entries = schema.fields.flatMap(({ name }) =>
    name in values ? [[name, values[name]] as const] : [],
  );
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function jsonObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
