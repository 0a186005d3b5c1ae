import {
  DataType,
  Field,
  FixedSizeList,
  Float32,
  Int32,
  makeData,
  type RecordBatch,
  Uint16,
} from 'apache-arrow';
import { schemaNote } from '../pipeline/columns-note.js';
import { NagError } from '../pipeline/errors.js';
import { type NeuronType, neuronTypes } from './backbone/types.js';
import type { FeatureIndices } from './nag/profile.js';

/** Column of token ids, `list<int32>`; its metadata say how they were made. Pools have an `input_ids` of their own. */
export const idsColumn = 'nag_input_ids';

/** How token ids were made. */
export interface IdsInfo {
  /** SHA-256 of the tokenizer.json. */
  readonly tokenizer: string;
  /** Largest id the tokenizer can give, and one. */
  readonly vocabulary: number;
  readonly maxLength: number;
}

export function idsMetadata(info: IdsInfo): Map<string, string> {
  return new Map([
    ['nag.tokenizer', info.tokenizer],
    ['nag.vocabulary', String(info.vocabulary)],
    ['nag.max_length', String(info.maxLength)],
  ]);
}

/** What a feature column holds, and from what it was computed: two can be compared where these agree. */
export interface FeatureInfo {
  readonly neurons: NeuronType;
  readonly layers: number;
  /** Neurons kept a layer. */
  readonly k: number;
  /** Neurons that there are a layer. */
  readonly width: number;
  /** Which layers of the model's these are; undefined where all. */
  readonly subset?: LayerSubset | undefined;
  /** Fingerprint of the weights that were used; `unknown` or `trusted` where the file that was read did not say. */
  readonly model: string;
  readonly tokenizer: string;
  /** Most tokens of a document; 0 where it is not known. */
  readonly maxLength: number;
  /** What the model computed with, and by which rules: `int8-1`; undefined for float32. */
  readonly precision?: string | undefined;
}

/** Layers that were kept of a model's. */
export interface LayerSubset {
  /** From 0, ascending. */
  readonly kept: readonly number[];
  readonly of: number;
}

/** Stands for a fingerprint that nobody knows: it equals itself only. */
export const unknown = 'unknown';

/** Stands for a fingerprint that the user vouches for: it is like any other. */
export const trusted = 'trusted';

/** `[layers × k]` neuron indices a row, as a fixed-size list column `<type>_feature`. */
export interface FeatureColumn {
  readonly name: string;
  readonly info: FeatureInfo;
  /** [rows × layers × k] */
  readonly values: FeatureIndices;
}

export function featureColumn(type: NeuronType): string {
  return `${type}_feature`;
}

/** Column of all impacts of a type, `[layers × width]` float32 a row. */
export function impactColumn(type: NeuronType): string {
  return `${type}_impact`;
}

/** What a chain lacks in which nobody makes features. */
export const featuresRemedy = 'put extract and top_k before it, or read them with read.features';

/** The columns that stages which use features want of a source that has them. */
export function featureNeeds(type?: NeuronType): string[] {
  return type === undefined ? neuronTypes.map(featureColumn) : [featureColumn(type)];
}

/** `0,5,27 of 28`, or `all` */
export function subsetText(subset: LayerSubset | undefined): string {
  return subset ? `${subset.kept.join(',')} of ${subset.of}` : 'all';
}

function parseSubset(text: string): LayerSubset {
  const [kept, of] = text.split(' of ');
  return { kept: kept!.split(',').map(Number), of: Number(of) };
}

export function featureMetadata(info: FeatureInfo): Map<string, string> {
  return new Map([
    ['nag.neurons', info.neurons],
    ['nag.layers', String(info.layers)],
    ...(info.subset ? [['nag.kept_layers', subsetText(info.subset)] as const] : []),
    ['nag.k', String(info.k)],
    ['nag.width', String(info.width)],
    ['nag.model', info.model],
    ['nag.tokenizer', info.tokenizer],
    ['nag.max_length', String(info.maxLength)],
    ...(info.precision === undefined ? [] : [['nag.precision', info.precision] as const]),
  ]);
}

/** What a feature or impact field's metadata say. Throws where they are missing. */
export function featureInfo(field: Field): FeatureInfo {
  const text = (key: string): string => {
    const value = field.metadata.get(`nag.${key}`);
    if (value === undefined)
      throw new NagError(`column "${field.name}" does not say nag.${key}: it was not made by extract`);
    return value;
  };
  const type = neuronTypes.find((known) => known === text('neurons'));
  if (!type) throw new NagError(`column "${field.name}": unknown neuron type ${text('neurons')}`);
  const [layers, k, width, maxLength] = ['layers', 'k', 'width', 'max_length'].map((key) =>
    Number(text(key)),
  );
  const kept = field.metadata.get('nag.kept_layers');
  const precision = field.metadata.get('nag.precision');
  return {
    neurons: type,
    layers: layers!,
    ...(kept === undefined ? {} : { subset: parseSubset(kept) }),
    k: k!,
    width: width!,
    model: text('model'),
    tokenizer: text('tokenizer'),
    maxLength: maxLength!,
    ...(precision === undefined ? {} : { precision }),
  };
}

/** Indices as column data: 16 bits where every index fits. `k` may be 0 < k ≤ width. */
export function featureData(values: Int32Array | Uint16Array, rows: number, info: FeatureInfo) {
  const narrow = info.width <= 65536;
  const item = narrow ? new Uint16() : new Int32();
  const Values = narrow ? Uint16Array : Int32Array;
  const data = values instanceof Values ? values : new Values(values);
  const child = makeData({ type: item, data, nullCount: 0 });
  return makeData({
    type: new FixedSizeList(info.layers * info.k, new Field('item', item, false)),
    length: rows,
    nullCount: 0,
    child,
  });
}

/** The field of a feature column. */
export function featureField(info: FeatureInfo): Field {
  const { type } = featureData(new Int32Array(0), 0, info);
  return new Field(featureColumn(info.neurons), type, false, featureMetadata(info));
}

/** Impacts as column data. */
export function impactData(values: Float32Array, rows: number, info: FeatureInfo) {
  const child = makeData({ type: new Float32(), data: values, nullCount: 0 });
  return makeData({
    type: new FixedSizeList(info.layers * info.width, new Field('item', new Float32(), false)),
    length: rows,
    nullCount: 0,
    child,
  });
}

/** The feature column that stages below `top_k` use: the named type's, or the only one. */
export function findFeatures(columns: RecordBatch, type: NeuronType | undefined): FeatureColumn {
  const field = soleField(
    columns,
    'feature',
    type,
    'put extract and top_k before this stage, or read them with read.features',
  );
  return { name: field.name, info: featureInfo(field), values: fixedValues(columns, field) };
}

/** All impacts, `[rows × layers × width]`: the named type's, or the only ones. */
export function findImpacts(
  columns: RecordBatch,
  type: NeuronType | undefined,
): { info: FeatureInfo; values: Float32Array } {
  const field = soleField(columns, 'impact', type, 'put extract, and no top_k, before this stage');
  const data = columns.getChild(field.name)!.data[0]!;
  const info = featureInfo(field);
  const values = data.children[0]!.values as Float32Array;
  return { info, values: values.subarray(0, data.length * info.layers * info.width) };
}

function soleField(
  columns: RecordBatch,
  kind: 'feature' | 'impact',
  type: NeuronType | undefined,
  remedy: string,
): Field {
  const fields = columns.schema.fields.filter(
    (field) => isMade(field, kind) && (type === undefined || field.name === `${type}_${kind}`),
  );
  const [field] = fields;
  if (!field)
    throw new NagError(
      `there is no ${kind} column${type ? ` of ${type}` : ''}: ${remedy}${schemaNote(columns.schema)}`,
    );
  if (fields.length > 1)
    throw new NagError(
      `there are several ${kind} columns (${fields.map((f) => f.name).join(', ')}): name one with feature: …`,
    );
  return field;
}

/** Names of all feature columns. */
export function featureColumns(columns: RecordBatch): string[] {
  return columns.schema.fields.filter((field) => isMade(field, 'feature')).map((field) => field.name);
}

/** A pool may have features of another kind: those made here say of which neurons they are. */
function isMade(field: Field, kind: 'feature' | 'impact'): boolean {
  return (
    field.name.endsWith(`_${kind}`) &&
    DataType.isFixedSizeList(field.type) &&
    field.metadata.has('nag.neurons')
  );
}

function fixedValues(columns: RecordBatch, field: Field): FeatureIndices {
  const data = columns.getChild(field.name)!.data[0]!;
  const child = data.children[0]!;
  const size = (field.type as FixedSizeList).listSize;
  const values: unknown = child.values;
  if (values instanceof Uint16Array || values instanceof Int32Array)
    return values.subarray(0, data.length * size);
  throw new NagError(
    `column "${field.name}": expected 16- or 32-bit neuron indices, found ${String(child.type)}`,
  );
}
