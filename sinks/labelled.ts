import { basename } from 'node:path';
import { z } from 'zod';
import { type Batch, inputOrder, namedColumn, placeOf } from '../pipeline/batch.js';
import type { Context } from '../pipeline/component.js';
import { DataError, NagError } from '../pipeline/errors.js';
import { neuronTypes } from '../transforms/backbone/types.js';
import { type FeatureInfo, findFeatures } from '../transforms/columns.js';
import type { FeatureIndices } from '../transforms/nag/profile.js';
import { requireComparable } from '../transforms/same-features.js';
import { seededFraction } from '../transforms/sampling.js';

/** Options of the sinks that look at NAGs and a label of each. */
export const labelledOptions = {
  by: z.string().min(1).describe('Column of the labels, such as a category or data set'),
  labels: z.array(z.string()).min(1).optional().describe('Only rows with one of these labels'),
  per_label: z.int().min(1).optional().describe('At most so many rows of each label, a random sample'),
  seed: z.int().default(42).describe('Another seed, another sample and another start'),
  feature: z.enum(neuronTypes).optional().describe('Neuron type, where several were extracted'),
} as const;

/** Which rows are taken. */
export interface Taking {
  readonly by: string;
  readonly labels?: readonly string[] | undefined;
  readonly per_label?: number | undefined;
  readonly max_rows: number;
  readonly seed: number;
  readonly feature?: z.output<typeof labelledOptions.feature>;
}

/** Rows with a label each, in an order that depends on the seed and the documents only. */
export interface Labelled {
  readonly info: FeatureInfo;
  /** [rows × layers × k] */
  readonly features: FeatureIndices;
  /** Labels, the most frequent first. */
  readonly names: readonly string[];
  /** Of each label: how many rows were there, before any was left out. */
  readonly totals: readonly number[];
  /** Label of each row, an index into `names`. */
  readonly labels: Int32Array;
  /** Docid of each row, or its place in the files. */
  readonly keys: readonly string[];
}

interface Member {
  readonly key: string;
  readonly label: string;
  /** The smallest are taken. */
  readonly lot: number;
  /** Decides between equal lots. */
  readonly order: number;
  readonly features: FeatureIndices;
}

/**
 * A sample of the rows with the smallest lots, at most `per_label` of each label and `max_rows` in all: the same in any
 * order and any split. At most 2 × max_rows are held.
 */
export interface Sample {
  info: FeatureInfo | undefined;
  members: Member[];
  /** Rows with a larger lot are not taken any more. */
  limit: number;
  /** Rows of each label. */
  readonly totals: Map<string, number>;
}

export function createSample(): Sample {
  return { info: undefined, members: [], limit: Infinity, totals: new Map() };
}

/** Adds the rows of a batch. Rows without a label, or with one that is not asked for, are told to `leftOut`. */
export function addRows(sample: Sample, batch: Batch, taking: Taking, leftOut: Context['leftOut']): void {
  if (batch.rows.length === 0) return;
  const labels = namedColumn(batch, taking.by);
  if (!labels) throw missing(batch, taking.by);
  const { info, values } = findFeatures(batch.columns, taking.feature);
  sample.info ??= info;
  requireComparable(sample.info, info, 'the rows before');
  const keyOf = keyReader(batch);
  const size = info.layers * info.k;
  for (let row = 0; row < batch.rows.length; row++) {
    const value: unknown = labels.get(row);
    const label = value === null ? undefined : String(value);
    if (label === undefined) leftOut(`no ${taking.by}`, 1);
    else if (taking.labels && !taking.labels.includes(label)) leftOut(`other ${taking.by}`, 1);
    else {
      sample.totals.set(label, (sample.totals.get(label) ?? 0) + 1);
      const key = keyOf(row);
      const lot = seededFraction(taking.seed, key);
      if (lot > sample.limit) continue;
      const features = values.slice(row * size, (row + 1) * size);
      sample.members.push({ key, label, lot, order: inputOrder(batch, row), features });
      if (sample.members.length >= 2 * taking.max_rows) shrink(sample, taking);
    }
  }
}

/** Throws where rows have no label, or no features. */
export function checkLabelled(
  input: readonly Batch[],
  { by, feature }: Pick<Taking, 'by' | 'feature'>,
): undefined {
  for (const batch of input) {
    if (!namedColumn(batch, by)) throw missing(batch, by);
    findFeatures(batch.columns, feature);
  }
}

export function mergeSamples(into: Sample, other: Sample, taking: Taking): Sample {
  if (into.info && other.info) requireComparable(into.info, other.info, 'the rows before');
  into.info ??= other.info;
  into.members.push(...other.members);
  for (const [label, rows] of other.totals) into.totals.set(label, (into.totals.get(label) ?? 0) + rows);
  shrink(into, taking);
  return into;
}

/** Only rows that may still be taken stay: one that is dropped has enough better ones, whatever comes. */
function shrink(sample: Sample, { per_label = Infinity, max_rows }: Taking): void {
  const counts = new Map<string, number>();
  sample.members = sample.members
    .sort((a, b) => a.lot - b.lot || a.order - b.order)
    .filter(({ label }) => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      return counts.get(label)! <= per_label;
    })
    .slice(0, max_rows);
  if (sample.members.length === max_rows) sample.limit = sample.members.at(-1)!.lot;
}

/** The rows of the sample; undefined where none ever came. */
export function extractRows(sample: Sample, taking: Taking): Labelled | undefined {
  shrink(sample, taking);
  const { info, members, totals } = sample;
  if (!info) return undefined;
  const taken = new Map<string, number>();
  for (const { label } of members) taken.set(label, (taken.get(label) ?? 0) + 1);
  const names = [...taken.keys()].sort((a, b) => taken.get(b)! - taken.get(a)! || (a < b ? -1 : 1));
  const numbers = new Map(names.map((name, i) => [name, i]));
  const size = info.layers * info.k;
  const features =
    info.width <= 65536 ? new Uint16Array(members.length * size) : new Int32Array(members.length * size);
  for (const [row, member] of members.entries()) {
    const foreign = member.features.find((index) => index < 0 || index >= info.width);
    if (foreign !== undefined)
      throw new NagError(
        `the features of "${member.key}" hold neuron ${foreign}, but a layer has ${info.width} neurons`,
      );
    features.set(member.features, row * size);
  }
  return {
    info,
    features,
    names,
    totals: names.map((name) => totals.get(name)!),
    labels: Int32Array.from(members, ({ label }) => numbers.get(label)!),
    keys: members.map(({ key }) => key),
  };
}

/**
 * Reads all rows, and takes those of the sample; all others are counted as left out.
 * @throws NagError where it has fewer than `least`
 */
export async function readLabelled(
  input: AsyncIterable<Batch>,
  taking: Taking,
  context: Context,
  least: number,
): Promise<Labelled> {
  const sample = createSample();
  for await (const batch of input)
    addRows(sample, batch, taking, (reason, rows) => context.leftOut(reason, rows));
  const labelled = extractRows(sample, taking);
  const found = labelled?.labels.length ?? 0;
  if (!labelled || found < least)
    throw new NagError(
      `${context.stage}: expected at least ${least} rows with a "${taking.by}", found ${found}${nearby(taking)}`,
    );
  const all = [...sample.totals.values()];
  const allowed = all.reduce((sum, rows) => sum + Math.min(rows, taking.per_label ?? Infinity), 0);
  const beyondLabel = all.reduce((sum, rows) => sum + rows, 0) - allowed;
  if (beyondLabel > 0) context.leftOut('beyond per_label', beyondLabel);
  const beyondAll = allowed - found;
  if (beyondAll > 0) {
    context.leftOut('beyond max_rows', beyondAll);
    context.note(`a sample of ${found} of ${allowed} rows is used: max_rows is ${taking.max_rows}`);
  }
  for (const label of taking.labels ?? [])
    if (!sample.totals.has(label)) context.note(`no row has the ${taking.by} "${label}"`);
  return labelled;
}

function nearby({ labels }: Taking): string {
  return labels ? `: check labels (${labels.join(', ')})` : '; check its path and the stages before';
}

function missing(batch: Batch, by: string): DataError {
  return new DataError(
    { file: batch.bundle.file },
    `there is no column "${by}" in its rows; set by: … to the column of the labels`,
  );
}

/** The docid of a row; one without has its place in the file instead. */
function keyReader(batch: Batch): (row: number) => string {
  const name = batch.roles.docid;
  const docids = name === undefined ? undefined : namedColumn(batch, name);
  return (row) => {
    const docid: unknown = docids?.get(row) ?? null;
    const place = placeOf(batch, row);
    return docid === null ? `${basename(place.file ?? '')}:${place.row}` : String(docid);
  };
}
