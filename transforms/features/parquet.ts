import { type Data, DataType, type Field, Struct, type Vector } from 'apache-arrow';
import { type Batch, keepRows, placeOf, withColumn } from '../../pipeline/batch.js';
import type { Context, OpenSource, Reject } from '../../pipeline/component.js';
import { DataError } from '../../pipeline/errors.js';
import { orReject } from '../../pipeline/faults.js';
import type { NeuronType } from '../backbone/types.js';
import { type FeatureInfo, featureColumn, featureData, featureInfo, featureMetadata } from '../columns.js';
import type { ListedFile } from '../reading/parquet-files.js';
import { differenceOfFeatures } from '../same-features.js';
import {
  indicesKey,
  type Layout,
  layoutOf,
  noFeatures,
  putIndices,
  type Said,
  saidLayout,
  wantedTypes,
} from './layout.js';

/**
 * What files say of their feature columns: a layout, or undefined where a column says nothing. Throws where two files
 * say different things, naming both.
 */
export function saidLayouts(files: readonly ListedFile[], said: Said): Map<NeuronType, Layout | undefined> {
  const first = files[0]!;
  const names = first.schema.fields.map(({ name }) => name);
  const layouts = new Map<NeuronType, Layout | undefined>();
  for (const type of wantedTypes(names, { file: first.path }, said)) {
    const layoutIn = ({ path, schema }: ListedFile): Layout | undefined => {
      const field = schema.fields.find(({ name }) => name === featureColumn(type));
      return field && layoutOfField(field, path, said);
    };
    const own = layoutIn(first);
    for (const file of files.slice(1)) requireSame(own, layoutIn(file), type, file.path, first.path);
    layouts.set(type, own);
  }
  return layouts;
}

function layoutOfField(field: Field, file: string, said: Said): Layout | undefined {
  requireLists(field, file);
  if (!field.metadata.has('nag.neurons')) return undefined;
  return saidLayout(infoOf(field, file), { file, column: field.name }, said);
}

function infoOf(field: Field, file: string) {
  const info = featureInfo(field);
  const size = DataType.isFixedSizeList(field.type) ? field.type.listSize : 0;
  if (info.neurons === field.name.replace(/_feature$/, '') && size === info.layers * info.k) return info;
  throw new DataError(
    { file, column: field.name },
    `says that it holds ${info.neurons} of ${info.layers} layers × ${info.k}, and is ${String(field.type)}: the file is damaged`,
  );
}

function requireSame(
  first: Layout | undefined,
  own: Layout | undefined,
  type: NeuronType,
  file: string,
  firstFile: string,
): void {
  const known =
    (first === undefined) === (own === undefined) ? undefined : 'only one of the two says how they were made';
  const difference = first && own ? differenceOfFeatures(first.info, own.info) : known;
  if (difference === undefined) return;
  throw new DataError(
    { file, column: featureColumn(type) },
    `its features were made differently than those of ${firstFile}: ${difference}; they cannot be read together`,
  );
}

/** The layout of a column that no file tells, from the first row of all. */
export async function firstLayout(
  source: OpenSource,
  type: NeuronType,
  said: Said,
  { tolerant }: Context,
): Promise<Layout> {
  const name = featureColumn(type);
  const how = tolerant ? { reject: () => undefined } : {};
  for (const bundle of source.bundles) {
    for await (const batch of source.read(bundle, { columns: [name] }, how)) {
      const read = listReader(batch.columns.getChild(name)!);
      for (const row of batch.rows.keys()) {
        const place = placeOf(batch, row, name);
        const indices = read(row);
        if (indices) return layoutOf(type, indices.length, place, said);
        if (!tolerant) throw noFeatures(place, null);
      }
    }
  }
  throw new DataError(
    { file: source.bundles[0]?.file, column: name },
    'no row tells how many neurons a layer there are: the files are empty, or where leaves all rows out',
  );
}

/** The batch with a column of lists as features. It can be read again: it is not a result to be kept. */
export function withFeatures(whole: Batch, layout: Layout, reject: Reject): Batch {
  const { info } = layout;
  const name = featureColumn(info.neurons);
  const column = whole.columns.getChild(name);
  if (!column) return whole;
  const sound = soundIndices(column, info);
  const { batch, values } = sound
    ? { batch: whole, values: sound }
    : usableRows(whole, column, layout, reject);
  const data = featureData(values, batch.rows.length, info);
  const made = withColumn(batch, name, data, { nullable: false, metadata: featureMetadata(info) });
  return { ...made, computed: batch.computed };
}

/** The indices of all rows as they are stored; undefined unless they are 16 bits wide and nothing is wrong with any. */
function soundIndices(column: Vector, { layers, k, width }: FeatureInfo): Uint16Array | undefined {
  const [data] = column.data as [Data];
  const size = layers * k;
  const [items] = data.children as [Data | undefined];
  if (!items || !DataType.isFixedSizeList(data.type) || data.type.listSize !== size) return undefined;
  const stored: unknown = items.values;
  if (!(stored instanceof Uint16Array) || data.nullCount > 0 || items.nullCount > 0) return undefined;
  const values = stored.subarray(0, data.length * size);
  return areBelow(width, values) ? values : undefined;
}

/** Four at a time, as there are hundreds a row: a negative difference leaves its sign. */
function areBelow(width: number, values: Uint16Array): boolean {
  const most = width - 1;
  const fours = values.length - (values.length % 4);
  let signs = 0;
  for (let i = 0; i < fours; i += 4)
    signs |=
      (most - values[i]!) | (most - values[i + 1]!) | (most - values[i + 2]!) | (most - values[i + 3]!);
  for (let i = fours; i < values.length; i++) signs |= most - values[i]!;
  return signs >= 0;
}

/** The rows with features that can be used, and their indices, of lists of any kind. */
function usableRows(whole: Batch, column: Vector, layout: Layout, reject: Reject) {
  const name = featureColumn(layout.info.neurons);
  const size = layout.info.layers * layout.info.k;
  const read = listReader(column);
  const values = new Int32Array(whole.rows.length * size);
  const usable: number[] = [];
  const put = (row: number) => {
    const place = () => placeOf(whole, row, name);
    const indices = read(row);
    if (!indices) throw noFeatures(place(), null);
    putIndices(values, usable.length, indices, layout, place);
    usable.push(row);
  };
  for (const row of whole.rows.keys()) orReject(() => put(row), reject);
  const batch = keepRows(whole, Uint32Array.from(usable));
  return { batch, values: values.subarray(0, batch.rows.length * size) };
}

function requireLists(field: Field, file: string): void {
  const list = listOf(field.type);
  if (list && DataType.isInt(list.children[0]!.type)) return;
  throw new DataError(
    { file, column: field.name },
    `expected lists of whole numbers, plain or as {${indicesKey}}, found ${String(field.type)}`,
  );
}

function listOf(type: DataType): DataType | undefined {
  if (type instanceof Struct) {
    const inner = type.children.find(({ name }) => name === indicesKey);
    return inner && listOf(inner.type);
  }
  return DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)
    ? type
    : undefined;
}

/** Reads a row's list; undefined where it is null. A null in a list is read as such. */
function listReader(column: Vector): (row: number) => ArrayLike<unknown> | undefined {
  const outer = column.data[0]!;
  const data = outer.type instanceof Struct ? structChild(outer) : outer;
  const [items] = data.children;
  const range = rangeReader(data);
  return (row) => {
    if (!outer.getValid(row) || !data.getValid(row)) return undefined;
    const [start, end] = range(row);
    const values: ArrayLike<unknown> = items!.values.subarray(start, end);
    if (items!.nullCount === 0) return values;
    return Array.from(values, (value, i) => (items!.getValid(start + i) ? value : null));
  };
}

function structChild(data: Data<Struct>): Data {
  return data.children[data.type.children.findIndex(({ name }) => name === indicesKey)]!;
}

function rangeReader({ type, valueOffsets }: Data): (row: number) => [number, number] {
  if (!DataType.isFixedSizeList(type))
    return (row) => [Number(valueOffsets[row]), Number(valueOffsets[row + 1])];
  const { listSize } = type;
  return (row) => [row * listSize, (row + 1) * listSize];
}
