import type { Batch } from '../../pipeline/batch.js';
import type { NeuronType } from '../backbone/types.js';
import { type FeatureInfo, featureColumns, findFeatures, findImpacts } from '../columns.js';
import { addToSums, createSums, type ExactSums, mergeSums } from '../nag/exact-sums.js';
import { addFeatures, createCounts, mergeCounts, type ProfileCounts } from '../nag/profile.js';
import { requireComparable } from '../same-features.js';

/** By what neurons can be chosen (paper 4.1.1 and B). */
export const methods = ['frequency', 'random', 'high_mean', 'high_delta'] as const;
export type Method = (typeof methods)[number];

/** Neurons of a layer where impacts are not cut to a NAG. */
const defaultK = 20;

/** What documents tell of each neuron: as much of it as a method needs. */
export interface Tally {
  readonly info: FeatureInfo;
  /** Neurons of a NAG's layer; where there are only impacts, 20. */
  readonly k: number;
  /** [layers × width] how often each is in a NAG */
  readonly counts?: ProfileCounts;
  /** [layers × width] of the impacts */
  readonly sums?: ExactSums;
  documents: number;
}

/** Adds a batch's documents. Those of all batches must have been made alike. */
export function addToTally(
  tally: Tally | undefined,
  batch: Batch,
  method: Method,
  type: NeuronType | undefined,
): Tally | undefined {
  const rows = batch.rows.length;
  if (rows === 0) return tally;
  const { found, k } = lookedAt(batch, method, type);
  const into = tally ?? create(found.info, k, method);
  requireComparable(into.info, found.info, 'the others');
  if (into.counts && !(found.values instanceof Float32Array))
    addFeatures(into.counts, found.values, rows, found.info.k);
  if (into.sums && found.values instanceof Float32Array) addToSums(into.sums, found.values, rows);
  into.documents += rows;
  return into;
}

/** The column that a method looks at, and the neurons of a layer that it gives. Throws where there is none. */
export function lookedAt({ columns }: Batch, method: Method, type: NeuronType | undefined) {
  const looks = method === 'frequency' || (method === 'random' && featureColumns(columns).length > 0);
  const found = looks ? findFeatures(columns, type) : findImpacts(columns, type);
  return { found, k: looks ? found.info.k : Math.min(defaultK, found.info.width) };
}

/** Adds what other documents tell: the same, to the bit, in any split of all of them. */
export function mergeTallies(a: Tally | undefined, b: Tally | undefined): Tally | undefined {
  if (!a || !b) return a ?? b;
  requireComparable(a.info, b.info, 'the others');
  if (a.counts && b.counts) mergeCounts(a.counts, b.counts);
  if (a.sums && b.sums) mergeSums(a.sums, b.sums);
  a.documents += b.documents;
  return a;
}

function create(info: FeatureInfo, k: number, method: Method): Tally {
  const { layers, width } = info;
  const empty = { info, k, documents: 0 };
  if (method === 'random') return empty;
  if (method === 'frequency') return { ...empty, counts: createCounts(layers, width) };
  return { ...empty, sums: createSums(layers * width) };
}
