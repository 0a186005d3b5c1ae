import { columnsNote } from '../../pipeline/columns-note.js';
import { describeValue } from '../../pipeline/describe-value.js';
import { DataError, type Place } from '../../pipeline/errors.js';
import { type NeuronType, neuronTypes } from '../backbone/types.js';
import { type FeatureInfo, featureColumn, trusted, unknown } from '../columns.js';

/** What the user says of files that do not say it themselves. */
export interface Said {
  readonly layers?: number | undefined;
  readonly width?: number | undefined;
  /** Types to read; all that there are where it is undefined. */
  readonly neurons?: readonly NeuronType[] | undefined;
  readonly trust: boolean;
}

/** The types to read of files that have these columns. Throws where one that the user names, or every one, is missing. */
export function wantedTypes(columns: readonly string[], place: Place, { neurons }: Said): NeuronType[] {
  const found = neuronTypes.filter((type) => columns.includes(featureColumn(type)));
  const missing = neurons?.filter((type) => !found.includes(type)) ?? (found.length > 0 ? [] : ['fwd_up']);
  if (missing.length === 0) return found.filter((type) => neurons?.includes(type) ?? true);
  const names = missing.map((type) => `"${type}_feature"`).join(', ');
  throw new DataError(
    place,
    `has no features: expected ${names}${neurons ? '' : " or another type's"}${columnsNote(columns)}`,
  );
}

/** Key of the list in the reference's feature files: `{"layer_topk_value_index": [layers · k indices]}`. */
export const indicesKey = 'layer_topk_value_index';

/** What a column of features is taken to hold, and the file that says so. */
export interface Layout {
  readonly info: FeatureInfo;
  readonly from: string;
}

/** Indices are 16 bits wide then, as every known model's need. */
const usualWidth = 65536;

/** The layout of a column whose file does not tell it, from the length of its first list. */
export function layoutOf(type: NeuronType, length: number, place: Place, said: Said): Layout {
  const { layers, width = usualWidth, trust } = said;
  if (layers === undefined)
    throw new DataError(place, 'the file does not say of how many layers its features are: set layers');
  if (length === 0 || length % layers !== 0)
    throw new DataError(
      place,
      `${length} indices cannot be the same number for each of ${layers} layers; check layers`,
    );
  const origin = trust ? trusted : unknown;
  const k = length / layers;
  return {
    info: { neurons: type, layers, k, width, model: origin, tokenizer: origin, maxLength: 0 },
    from: place.file ?? '',
  };
}

/** The layout of a column that says what it is. Throws where the user says something else. */
export function saidLayout(info: FeatureInfo, place: Place, said: Said): Layout {
  for (const name of ['layers', 'width'] as const)
    if (said[name] !== undefined && said[name] !== info[name])
      throw new DataError(
        place,
        `is of ${name}: ${info[name]}, and the options say ${said[name]}; leave ${name} out where files say it`,
      );
  const from = place.file ?? '';
  const origin = said.trust ? trusted : unknown;
  if (info.model !== unknown && info.model !== trusted) return { info, from };
  // The user's word is not handed on with the file: whoever reads it says it again.
  return { info: { ...info, model: origin, tokenizer: origin }, from };
}

/** Throws a `DataError` at `place` where a row's indices are more or fewer than those of other rows. */
export function requireLength(found: number, { info, from }: Layout, place: () => Place): void {
  const { layers, k } = info;
  if (found === layers * k) return;
  const there = place();
  const like = there.file === from ? 'in the first row' : `in ${from}`;
  throw new DataError(
    there,
    `expected ${layers * k} indices (${layers} layers × ${k}) as ${like}, found ${found}`,
  );
}

/**
 * Puts a row's indices where they belong in [rows × layers × k]. Throws a `DataError` at `place` where there are more
 * or fewer than in other rows, or one is no neuron of its layer.
 */
export function putIndices(
  out: Int32Array,
  row: number,
  indices: ArrayLike<unknown>,
  layout: Layout,
  place: () => Place,
): void {
  const { layers, k, width } = layout.info;
  const length = layers * k;
  requireLength(indices.length, layout, place);
  for (let i = 0; i < length; i++) {
    const value = indices[i];
    const index = typeof value === 'bigint' ? Number(value) : value;
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= width)
      throw new DataError(
        place(),
        `layer ${Math.floor(i / k)}: expected neurons from 0 to ${width - 1}, found ${describeValue(index)}${tooLarge(index, width)}`,
      );
    out[row * length + i] = index;
  }
}

function tooLarge(index: unknown, width: number): string {
  return typeof index === 'number' && index >= width ? '; if the model has so many, set width' : '';
}

/** A row that has no features. */
export function noFeatures(place: Place, found: unknown): DataError {
  return new DataError(
    place,
    `expected features, {"${indicesKey}": [...]} or a list of indices, found ${describeValue(found)}`,
  );
}
